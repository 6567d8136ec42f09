// SPDX-License-Identifier: Apache-2.0
/* The one table of operations: agent, command line and help read it. */
#include <stdio.h>
#include <string.h>

#include "labctl.h"

/* clang-format off */
#define TEXT(n)	      { n, ARG_TEXT, false }
#define OPT_TEXT(n)   { n, ARG_TEXT, true }
#define NUM(n)	      { n, ARG_NUMBER, false }
#define OPT_NUM(n)    { n, ARG_NUMBER, true }
#define RANGES(n)     { n, ARG_RANGES, false }
#define OPT_LIST(n)   { n, ARG_LIST, true }
#define OPT_OBJECT(n) { n, ARG_OBJECT, true }
#define ARRAY(n)      { n, ARG_ARRAY, false }
#define OPT_ARRAY(n)  { n, ARG_ARRAY, true }
#define ARGS(...)     (const struct arg[]){ __VA_ARGS__ __VA_OPT__(,) {} }

const struct op ops[] = {
	{ "agent.hello", agent_hello, ARGS(),
	  "Who is there: kernel, cpus, page_size, monotonic_ns." },
	{ "agent.bye", agent_bye, ARGS(),
	  "Ends the agent, and with it the guest." },

	{ "pci.list", pci_list, ARGS(),
	  "All PCI devices with their driver, IOMMU group and BARs." },
	{ "pci.wait", pci_wait,
	  ARGS(TEXT("bdf"), NUM("vendor"), NUM("device"), OPT_NUM("timeout_ms")),
	  "Waits until a hot-plugged device is there and has its addresses. Default limit "
	  "10000 ms." },
	{ "pci.gone", pci_gone, ARGS(TEXT("bdf"), OPT_NUM("timeout_ms")),
	  "Waits until a device is there no longer. Default limit 10000 ms." },
	{ "pci.bind", pci_bind, ARGS(TEXT("bdf"), TEXT("driver")),
	  "Binds a device to that driver and no other; one that has it lets go." },
	{ "pci.unbind", pci_unbind, ARGS(TEXT("bdf")),
	  "Unbinds the driver and blocks until it has let go." },
	{ "pci.remove", pci_remove, ARGS(TEXT("bdf")),
	  "Removes the device, as if it were unplugged; pci.rescan finds it again." },
	{ "pci.rescan", pci_rescan, ARGS(),
	  "Looks for devices on all buses." },

	{ "vfio.open", vfio_open,
	  ARGS(TEXT("bdf"), TEXT("name"), OPT_TEXT("iommufd"), OPT_TEXT("vm"),
	       OPT_NUM("private"), OPT_NUM("left"), OPT_NUM("no_iommufd")),
	  "Opens the vfio cdev of a device and binds it to an iommufd, opened on first "
	  "use; its name is 'iommufd' if not given. With vm that machine is told of the "
	  "device meanwhile, and with private=1 its memory is for that machine only. With "
	  "left=1 the machine lets go of it again before, and with no_iommufd=1 it is bound "
	  "to something else." },
	{ "vfio.close", vfio_close, ARGS(TEXT("name")),
	  "Closes the device." },
	{ "vfio.attach", vfio_attach, ARGS(TEXT("dev"), TEXT("pt")),
	  "Attaches the device's DMA to a page table: an IOAS, or a HWPT of it." },
	{ "vfio.detach", vfio_detach, ARGS(TEXT("dev")),
	  "Detaches the device's DMA." },
	{ "vfio.command", vfio_set_command,
	  ARGS(TEXT("dev"), OPT_NUM("memory"), OPT_NUM("master")),
	  "Sets or clears bits of the COMMAND register: memory=0 is a revoke, memory=1 "
	  "takes it back." },
	{ "vfio.config.read", vfio_config_read,
	  ARGS(TEXT("dev"), NUM("offset"), NUM("width")),
	  "Reads 1, 2 or 4 bytes of configuration space." },
	{ "vfio.config.write", vfio_config_write,
	  ARGS(TEXT("dev"), NUM("offset"), NUM("width"), NUM("value")),
	  "Writes 1, 2 or 4 bytes of configuration space." },
	{ "vfio.capability", vfio_capability, ARGS(TEXT("dev"), NUM("cap")),
	  "Where a capability is in configuration space, 0 if there is none." },
	{ "vfio.reset", vfio_reset, ARGS(TEXT("dev")),
	  "VFIO_DEVICE_RESET." },
	{ "vfio.hotreset", vfio_hotreset, ARGS(TEXT("dev")),
	  "VFIO_DEVICE_PCI_HOT_RESET of the device's slot or bus." },
	{ "vfio.hotreset.info", vfio_hotreset_info, ARGS(TEXT("dev")),
	  "The devices that a hot reset affects; devid is 0 for one that is not open "
	  "but as good as ours, -1 for one that forbids the reset." },
	{ "vfio.flr", vfio_flr, ARGS(TEXT("dev"), TEXT("kind")),
	  "Function level reset by a write to configuration space: kind=pcie or "
	  "kind=af. EOPNOTSUPP if the device has none." },
	{ "vfio.power", vfio_power, ARGS(TEXT("dev"), NUM("state")),
	  "Power state by a write to configuration space: state=0 is D0, state=3 "
	  "D3hot. Answers the state read back; EOPNOTSUPP if the device has none." },
	{ "vfio.lowpower", vfio_lowpower,
	  ARGS(TEXT("dev"), NUM("enter"), OPT_NUM("wakeup")),
	  "Lets the kernel put the device into low power, or not any more. With wakeup "
	  "the first access ends it." },
	{ "vfio.request.watch", vfio_request_watch, ARGS(TEXT("dev"), TEXT("name")),
	  "Has the driver tell when it wants the device closed." },
	{ "vfio.request.wait", vfio_request_wait, ARGS(TEXT("name"), OPT_NUM("timeout_ms")),
	  "Waits until the driver wants the device closed. Default limit 10000 ms." },
	{ "vfio.region", vfio_region, ARGS(TEXT("dev"), NUM("index")),
	  "Size and flags of a region. A BAR's index is its number, the ROM's is 6, that of "
	  "configuration space 7, and that of legacy VGA 8." },
	{ "vfio.read", vfio_read,
	  ARGS(TEXT("dev"), NUM("bar"), NUM("offset"), NUM("length")),
	  "Reads a BAR as the CPU sees it, in hexadecimal; or the ROM, 6, or legacy VGA, 8." },
	{ "vfio.write", vfio_write,
	  ARGS(TEXT("dev"), NUM("bar"), NUM("offset"), TEXT("data")),
	  "Writes a BAR from the CPU; data is hexadecimal." },
	{ "vfio.ioeventfd", vfio_ioeventfd,
	  ARGS(TEXT("dev"), NUM("bar"), NUM("offset"), NUM("value")),
	  "Has an event store 4 bytes to a BAR, and fires it once." },

	{ "vfio.mmap", vfio_mmap,
	  ARGS(TEXT("dev"), NUM("bar"), NUM("offset"), NUM("length"), TEXT("name")),
	  "Maps part of a BAR for the CPU, readable and writable, by huge pages where it "
	  "can." },
	{ "mapping.anonymous", mapping_anonymous, ARGS(TEXT("name"), NUM("length")),
	  "Maps fresh memory that is nobody's BAR." },
	{ "mapping.read", mapping_read,
	  ARGS(TEXT("name"), NUM("offset"), NUM("length")),
	  "Loads from a mapping, in hexadecimal, four bytes at a time. SIGBUS is the "
	  "errno of an access that raises it; done is what went before." },
	{ "mapping.write", mapping_write,
	  ARGS(TEXT("name"), NUM("offset"), TEXT("data")),
	  "Stores to a mapping; data is hexadecimal." },
	{ "mapping.close", mapping_close, ARGS(TEXT("name")),
	  "Unmaps." },

	{ "dmabuf.export", dmabuf_export,
	  ARGS(TEXT("dev"), NUM("bar"), RANGES("ranges"), TEXT("name"),
	       OPT_NUM("readonly")),
	  "Exports ranges of a BAR as one dma-buf, with readonly=1 open for reading only." },
	{ "dmabuf.udmabuf", dmabuf_udmabuf,
	  ARGS(NUM("size"), TEXT("name"), OPT_NUM("piece"), OPT_NUM("huge"),
	       OPT_NUM("gap"), OPT_TEXT("mapping")),
	  "Makes a dma-buf of memfd pages, of huge ones with huge=1. With piece it is "
	  "allocated in pieces of that size which do not follow each other in memory, "
	  "unless they are two or three; with gap that many bytes are left out between them, "
	  "of huge pages if these are large enough. mapping is a name for the same memory as the process has "
	  "it mapped." },
	{ "dmabuf.heap", dmabuf_heap, ARGS(NUM("size"), TEXT("name")),
	  "Makes a dma-buf from the system heap." },
	{ "dmabuf.adopt", dmabuf_adopt, ARGS(NUM("pid"), NUM("fd"), TEXT("name")),
	  "Takes over a dma-buf from another process; process.give does it." },
	{ "dmabuf.size", dmabuf_size, ARGS(TEXT("name")),
	  "Size of a dma-buf in bytes." },

	{ "dmabuf.map", dmabuf_map,
	  ARGS(TEXT("dmabuf"), TEXT("name"), NUM("offset"), NUM("length")),
	  "Maps part of a dma-buf for the CPU, as a mapping; vfio-pci's cannot be." },

	{ "handle.close", handle_close, ARGS(TEXT("name")),
	  "Closes a dma-buf, an iommufd, a virtual machine or CPU, a guest_memfd, a hold, "
	  "the test exporter of a buffer, or a buffer of a graphics card." },
	{ "handle.list", handle_list, ARGS(),
	  "Everything that has a name, with its descriptor." },

	{ "drm.import", drm_import,
	  ARGS(TEXT("driver"), TEXT("dmabuf"), TEXT("name")),
	  "Makes a dma-buf a buffer of the first graphics card that has this driver, until "
	  "handle.close." },

	{ "exporter.create", exporter_create,
	  ARGS(TEXT("name"), TEXT("dmabuf"), TEXT("lifetime"), ARRAY("segments"),
	       OPT_NUM("can_pin"), OPT_NUM("mappable")),
	  "Makes a dma-buf of the test exporter, pinned, revocable or dynamic. A segment is "
	  "pages of RAM, in pieces of an order, or of a device's bar from offset on, or the "
	  "first ones of a mapping of ours, which are pinned; no_cpu says that the CPU must not map it. With can_pin=1 it stays for who tolerates "
	  "nothing else, with mappable=1 it can be mapped by scatterlist." },
	{ "exporter.place", exporter_place, ARGS(TEXT("name"), ARRAY("segments")),
	  "Another place of the same size that it can move to; the first is place 0." },
	{ "exporter.move", exporter_move,
	  ARGS(TEXT("name"), NUM("to"), OPT_NUM("wait")),
	  "Moves the buffer and its content, and fills the old place with 0xa5. With wait=1 "
	  "the content follows with exporter.finish." },
	{ "exporter.finish", exporter_finish, ARGS(TEXT("name")),
	  "Ends a move that waits." },
	{ "exporter.revoke", exporter_revoke, ARGS(TEXT("name")),
	  "Takes the memory away." },
	{ "exporter.restore", exporter_restore, ARGS(TEXT("name")),
	  "Gives it back." },
	{ "exporter.fail", exporter_fail,
	  ARGS(TEXT("name"), OPT_NUM("attach"), OPT_NUM("query"), OPT_NUM("count")),
	  "Refuses to be attached to, or the next count queries, with these errnos." },
	{ "exporter.pfn", exporter_pfn,
	  ARGS(TEXT("name"), NUM("place"), NUM("pgoff")),
	  "Where a page of a place is, without asking by the attachment." },

	{ "importer.attach", importer_attach,
	  ARGS(TEXT("dmabuf"), TEXT("name"), OPT_NUM("notify"), OPT_NUM("p2p"),
	       OPT_NUM("pfn"), OPT_TEXT("device"), OPT_LIST("tolerates"),
	       OPT_NUM("compositor")),
	  "Attaches the test importer, for a PCI device or 'none', the default. notify, "
	  "p2p and pfn are 1 if not given; all three 0 is a static importer. What it "
	  "tolerates are some of pinned, revocable and dynamic, by default all that it can, or "
	  "an empty list to say nothing of it." },
	{ "importer.detach", importer_detach, ARGS(TEXT("name")),
	  "Signals its fence, undoes its mappings and detaches." },
	{ "importer.query", importer_query_page,
	  ARGS(TEXT("name"), NUM("pgoff"), OPT_TEXT("lock")),
	  "PFN of a page. lock=unlocked, the default, lets the kernel take the "
	  "reservation lock, lock=caller takes it before." },
	{ "importer.range", importer_range,
	  ARGS(TEXT("name"), NUM("first"), NUM("count"), OPT_NUM("step")),
	  "PFNs of count pages, up to the first that is refused." },
	{ "importer.runs", importer_runs,
	  ARGS(TEXT("name"), NUM("first"), NUM("count"), OPT_NUM("max")),
	  "Where count pages are and what kind of memory they are, as contiguous runs, "
	  "at most max of them." },
	{ "importer.time", importer_time,
	  ARGS(TEXT("name"), TEXT("what"), NUM("count"), OPT_NUM("first"), OPT_NUM("step")),
	  "How long the kernel takes to do this count times. what is pfn, or attrs for it with "
	  "its attributes, of pages from first on with this step; ranges for all there are; "
	  "or map for a mapping of all, its walk and its end." },
	{ "importer.events", importer_events, ARGS(TEXT("name")),
	  "Notifies since the last time, and how many were lost." },
	{ "importer.wait", importer_wait,
	  ARGS(TEXT("name"), NUM("count"), OPT_NUM("timeout_ms")),
	  "Waits for that many notifies to fetch, and tells how many there are. "
	  "Default limit 10000 ms." },
	{ "importer.map", importer_map, ARGS(TEXT("name")),
	  "Maps the buffer for the importer's device, until importer.unmap. ns is how long "
	  "it took." },
	{ "importer.unmap", importer_unmap, ARGS(TEXT("name")),
	  "Undoes the newest mapping." },
	{ "importer.read", importer_read, ARGS(TEXT("name"), NUM("offset")),
	  "Reads 8 bytes as a device with page faults would, and tells how many it took." },
	{ "importer.write", importer_write,
	  ARGS(TEXT("name"), NUM("offset"), NUM("value")),
	  "Writes 8 bytes that way. A compositor that cannot is lost, and says EIO from "
	  "then on." },
	{ "importer.fence", importer_fence,
	  ARGS(TEXT("name"), TEXT("action"), OPT_TEXT("usage")),
	  "action=hold adds a fence to the buffer, usage=kernel or bookkeep; "
	  "action=signal signals it." },

	{ "ioas.alloc", ioas_alloc, ARGS(TEXT("name"), OPT_TEXT("iommufd")),
	  "Makes an I/O address space." },
	{ "ioas.destroy", ioas_destroy, ARGS(TEXT("name")),
	  "Destroys an I/O address space." },
	{ "ioas.map", ioas_map,
	  ARGS(TEXT("ioas"), TEXT("dmabuf"), NUM("iova"), NUM("start"), NUM("length"),
	       OPT_NUM("write")),
	  "Maps part of a dma-buf at an IOVA, readable, and writable unless write=0." },
	{ "ioas.unmap", ioas_unmap,
	  ARGS(TEXT("ioas"), NUM("iova"), NUM("length")),
	  "Unmaps a range of IOVAs." },
	{ "ioas.restore", ioas_restore,
	  ARGS(TEXT("ioas"), OPT_NUM("iova"), OPT_NUM("length"), OPT_NUM("report")),
	  "Maps again what revokes have unmapped, everywhere if no range is given; "
	  "report=1 only counts. missing is what some page table does not map, revoked "
	  "the part of it that is revoked now." },
	{ "hwpt.alloc", hwpt_alloc, ARGS(TEXT("name"), TEXT("dev"), TEXT("ioas")),
	  "Makes a page table of an IOAS, as that device needs it." },
	{ "hwpt.destroy", hwpt_destroy, ARGS(TEXT("name")),
	  "Destroys a page table." },

	{ "edu.dma", edu_dma,
	  ARGS(TEXT("dev"), TEXT("direction"), NUM("iova"), NUM("offset"), NUM("length")),
	  "One transfer of edu: direction=to_device from the IOVA to an offset in its "
	  "buffer, direction=from_device back. Bytes 0 to 4094 of the buffer can be "
	  "used." },
	{ "edu.copy", edu_copy,
	  ARGS(TEXT("dev"), NUM("src"), NUM("dst"), NUM("length")),
	  "Copies up to 4096 bytes from IOVA to IOVA through edu." },

	{ "storm.revoke", storm_revoke,
	  ARGS(TEXT("dev"), TEXT("importer"), NUM("pages"), NUM("seconds")),
	  "Revokes and takes back as fast as it can while two threads query. A "
	  "violation is a PFN granted by a query that began after a revoke had "
	  "returned and ended before memory was enabled again." },

	{ "race.run", race_run, ARGS(NUM("seconds"), ARRAY("lanes")),
	  "Performs lists of operations against each other until the time is over: "
	  "[[{\"run\":OP,\"args\":{...}},...],...], each list in a thread of its own and to "
	  "its end. Counts for each operation how often it succeeded, with which errno "
	  "it failed, how often it missed a handle that another lane had closed, and the "
	  "exits of a virtual CPU." },

	{ "race.spread", race_spread, ARGS(),
	  "Has the lanes of later races stay on CPUs of their own, in turns." },
	{ "batch.run", batch_run, ARGS(ARRAY("steps")),
	  "Performs operations one after the other, up to the first that fails: "
	  "[{\"run\":OP,\"args\":{...}},...]. answers is what they answered." },

	{ "fault.nth", fault_nth, ARGS(NUM("n"), TEXT("run"), OPT_OBJECT("args")),
	  "Runs an operation with the n-th allocation failing in the system calls that "
	  "its own thread makes. injected is false when there were not that many." },
	{ "fault.function", fault_function,
	  ARGS(TEXT("name"), TEXT("errno"), NUM("times"), OPT_NUM("skip")),
	  "Has a function of the kernel fail, whoever calls it: the first calls to skip "
	  "go through, as many as times fail. Replaces the one before; ERANGE if the "
	  "function is not meant for it." },
	{ "fault.function.clear", fault_function_clear, ARGS(),
	  "Ends that; injected is how often it has failed." },

	{ "hold.at", hold_at, ARGS(TEXT("function"), TEXT("name")),
	  "Has the next call of a function of the kernel that comes to its end wait there, "
	  "until handle.close; others return. It may sleep there, and has up to six "
	  "arguments. One at a time: EBUSY." },
	{ "hold.wait", hold_wait, ARGS(TEXT("name"), OPT_NUM("timeout_ms")),
	  "Waits until a call is held; held tells. Default limit 10000 ms." },

	{ "trace.start", trace_start, ARGS(OPT_LIST("events"), OPT_LIST("kprobes")),
	  "Starts tracing on the monotonic clock: events like dma_buf:*, kprobes like "
	  "'p:dmabuflab/name symbol'." },
	{ "trace.add", trace_add, ARGS(OPT_LIST("events"), OPT_LIST("kprobes")),
	  "Records more events while it records." },
	{ "trace.mark", trace_mark, ARGS(TEXT("text")),
	  "Writes a line into the trace." },
	{ "trace.read", trace_read, ARGS(OPT_NUM("offset")),
	  "The trace in pieces. Offset 0 takes it anew, the others continue at next." },
	{ "trace.stop", trace_stop, ARGS(),
	  "Ends tracing and removes the kprobes. The trace can still be read." },

	{ "file.read", file_read, ARGS(TEXT("path")),
	  "Text of a file of up to 256 KiB." },
	{ "file.write", file_write, ARGS(TEXT("path"), TEXT("text")),
	  "Writes a file, in a single write." },
	{ "memory.zones", memory_zones, ARGS(),
	  "/proc/zoneinfo, after slab caches have given back what they do not use, and CPUs "
	  "have told what they have counted." },
	{ "rlimit.nofile", rlimit_nofile, ARGS(NUM("soft")),
	  "Limits the agent's file descriptors; 0 is back to the original." },

	{ "process.start", process_start, ARGS(TEXT("name"), OPT_NUM("netns")),
	  "Starts a process that performs operations, with handles of its own, and with "
	  "netns=1 in a network namespace of its own." },
	{ "process.call", process_call,
	  ARGS(TEXT("name"), TEXT("run"), OPT_OBJECT("args")),
	  "Has a process perform an operation; its answer is the answer. One at a time: "
	  "what may block is for a job in that process." },
	{ "process.give", process_give, ARGS(TEXT("name"), TEXT("dmabuf")),
	  "Gives a process a dma-buf, under the same name." },
	{ "process.kill", process_kill, ARGS(TEXT("name")),
	  "Kills a process, whatever it is doing, and blocks until it is gone." },

	{ "net.dummy", net_dummy, ARGS(TEXT("name")),
	  "Makes a network interface that leads nowhere." },
	{ "net.veth", net_veth, ARGS(TEXT("name"), TEXT("peer")),
	  "Makes two network interfaces that lead to each other." },
	{ "net.address", net_address, ARGS(TEXT("name"), TEXT("address")),
	  "Gives an interface an IPv4 address like 10.0.0.1/24, and brings it up." },
	{ "net.loss", net_loss, ARGS(TEXT("name"), NUM("percent")),
	  "Has an interface lose so much of what it sends; percent=0 ends that." },
	{ "net.move", net_move, ARGS(TEXT("name"), NUM("pid")),
	  "Moves an interface to a process' network namespace; it loses its address." },
	{ "net.delete", net_delete, ARGS(TEXT("name")),
	  "Deletes an interface, and with it what leads to it." },

	{ "rdma.link", rdma_link,
	  ARGS(TEXT("name"), TEXT("interface"), OPT_NUM("timeout_ms")),
	  "Makes a soft-RoCE device over an interface that has an IPv4 address, and waits "
	  "until its port is active and has the address as a GID. Default limit 10000 ms." },
	{ "rdma.unlink", rdma_unlink, ARGS(TEXT("name")),
	  "Removes a soft-RoCE device, whoever uses it." },
	{ "rdma.open", rdma_open, ARGS(TEXT("name"), TEXT("dev")),
	  "Opens an RDMA device, with a protection domain: an endpoint." },
	{ "rdma.close", rdma_close, ARGS(TEXT("name")),
	  "Closes an endpoint with all that was made of it, a queue pair or a memory "
	  "window. What waits for a completion of theirs ends with the status 'closed'." },
	{ "rdma.mr", rdma_mr,
	  ARGS(TEXT("endpoint"), TEXT("name"), NUM("length"), OPT_TEXT("dmabuf"),
	       OPT_NUM("offset"), OPT_TEXT("mapping"), OPT_NUM("iova"), OPT_LIST("access")),
	  "Registers part of a dma-buf, or of a mapping from its begin, or fresh memory of "
	  "the process: a memory region. ns is how long the kernel took. addr is how work "
	  "requests name its begin: iova if given, else 0 of a dma-buf, the address of "
	  "memory. access is local-write, remote-write, remote-read and remote-atomic, the "
	  "default, and mw-bind, zero-based, on-demand, relaxed-ordering." },
	{ "rdma.rereg", rdma_rereg, ARGS(TEXT("mr"), OPT_LIST("access")),
	  "Changes the access to a memory region." },
	{ "rdma.dereg", rdma_dereg, ARGS(TEXT("mr")),
	  "Deregisters a memory region, and frees memory of the process." },
	{ "mr.read", mr_read, ARGS(TEXT("name"), NUM("offset"), NUM("length")),
	  "Content of a memory region of the process, in hexadecimal, up to 64 KiB." },
	{ "mr.write", mr_write, ARGS(TEXT("name"), NUM("offset"), TEXT("data")),
	  "Changes it; data is hexadecimal, up to 64 KiB." },
	{ "mr.fill", mr_fill,
	  ARGS(TEXT("name"), NUM("offset"), NUM("length"), NUM("byte")),
	  "Changes it to a byte over and over." },
	{ "rdma.mw", rdma_mw, ARGS(TEXT("endpoint"), TEXT("name"), OPT_NUM("type")),
	  "Makes a memory window of type 1 or 2, the default, for rdma.post verb=bind-mw." },
	{ "rdma.qp", rdma_qp, ARGS(TEXT("endpoint"), TEXT("name")),
	  "Makes a reliable queue pair, to be connected to another: qpn, psn and gid are "
	  "what that has to know." },
	{ "rdma.connect", rdma_connect,
	  ARGS(TEXT("qp"), NUM("remote_qpn"), TEXT("remote_gid"), NUM("psn"),
	       OPT_NUM("mtu"), OPT_NUM("timeout"), OPT_NUM("retry"), OPT_NUM("rnr_retry")),
	  "Connects a queue pair to another, which has to be connected to it; psn is the "
	  "other's. mtu is 256 to 4096 bytes, default 1024. Unanswered requests are given up "
	  "after retry+1 times 4.096 us << timeout, default 6 and 14: 0.5 s; rxe takes 7 for "
	  "without end. A receiver that is not ready is asked rnr_retry times more, default "
	  "6, after 40 ms each." },
	{ "rdma.reset", rdma_reset, ARGS(TEXT("qp")),
	  "Makes a queue pair as good as new, with another psn; requests and completions "
	  "are dropped. EBUSY while somebody waits for one." },
	{ "rdma.qpstate", rdma_qpstate, ARGS(TEXT("qp")),
	  "State of a queue pair: reset, init, rtr, rts, sqd, sqe or error." },
	{ "rdma.post", rdma_post,
	  ARGS(TEXT("qp"), TEXT("verb"), OPT_TEXT("mr"), OPT_NUM("offset"), OPT_NUM("length"),
	       OPT_ARRAY("sges"), OPT_NUM("lkey"), OPT_NUM("remote_addr"), OPT_NUM("rkey"),
	       OPT_NUM("add"), OPT_NUM("compare"), OPT_NUM("swap"), OPT_NUM("imm"),
	       OPT_TEXT("mw"), OPT_LIST("access"), OPT_NUM("timeout_ms")),
	  "Posts one work request and waits for its completion: verb is write, write-imm, "
	  "read, send, send-imm, send-inv, fetch-add, cmp-swap, bind-mw or local-inv. Local "
	  "is part of a memory region, with another lkey if given, or up to four in sges: "
	  "[{\"mr\":MR,\"offset\":0,\"length\":8},...]. offset may lie outside. bind-mw binds "
	  "the memory window mw to it with that access. rkey is also the key that send-inv "
	  "and local-inv are about. status is 'success', or says how the request failed. "
	  "Default limit 10000 ms." },
	{ "rdma.recv", rdma_recv,
	  ARGS(TEXT("qp"), OPT_TEXT("mr"), OPT_NUM("offset"), OPT_NUM("length"),
	       OPT_ARRAY("sges"), OPT_NUM("lkey")),
	  "Posts memory for the other's next send or write-imm." },
	{ "rdma.completion", rdma_completion, ARGS(TEXT("qp"), OPT_NUM("timeout_ms")),
	  "Waits for the next completion of an rdma.recv: status, length, imm and the key "
	  "that was invalidated. Default limit 10000 ms." },
	{ "rdma.hammer", rdma_hammer,
	  ARGS(TEXT("qp"), TEXT("mr"), NUM("remote_addr"), NUM("rkey"), OPT_NUM("offset"),
	       OPT_NUM("length"), OPT_NUM("places"), OPT_NUM("stride"), OPT_NUM("depth"),
	       OPT_NUM("count"), OPT_TEXT("direction")),
	  "Writes 1, 2, 3 and so on, in 8 bytes over and over, to one place or to several in "
	  "turn, or with direction=read reads them; with depth requests in flight, default "
	  "8, each with length bytes of the memory region for itself, default 8. Ends at "
	  "count, rdma.stop, or the first request that fails: status. It blocks: start it as "
	  "a job." },
	{ "rdma.stop", rdma_stop, ARGS(TEXT("qp")),
	  "Tells a hammer to post no more, and to end when all is completed." },
	{ "rdma.state", rdma_state, ARGS(TEXT("qp")),
	  "Whether somebody waits for completions of requests, and how far a hammer has "
	  "come." },

	{ "job.start", job_start, ARGS(TEXT("run"), OPT_OBJECT("args")),
	  "Runs an operation that may block: run is its name. On the command line its "
	  "arguments just follow." },
	{ "job.wait", job_wait, ARGS(NUM("job"), OPT_NUM("timeout_ms")),
	  "The answer of a job, once it is done; it is handed out once. Default limit "
	  "0 ms." },

	{ "lockdep.chains", lockdep_chains, ARGS(ARRAY("locks")),
	  "The locks that were held together, in the order in which they were taken, of "
	  "all chains with at least two of these. available is false in a kernel without "
	  "lockdep." },
	{ "kmemleak.check", kmemleak_check, ARGS(),
	  "What kmemleak reports, after scans far enough apart: takes 6 seconds. available "
	  "is false in a kernel without it." },
	{ "kunit.run", kunit_run, ARGS(TEXT("suite")),
	  "Runs a KUnit suite and returns its KTAP." },
	{ "kvm.check", kvm_check, ARGS(),
	  "Creates a virtual machine with a CPU in this guest, and ends it." },
	{ "kvm.extension", kvm_extension, ARGS(NUM("cap"), OPT_TEXT("vm")),
	  "KVM_CHECK_EXTENSION, of KVM or of a virtual machine: value is 0 for what it "
	  "cannot do." },
	{ "kvm.create", kvm_create, ARGS(TEXT("name"), OPT_TEXT("type")),
	  "Makes a virtual machine with a program that accesses memory on command. Its "
	  "first MiB, slot 0, is the program's. type=default or type=sw-protected." },
	{ "kvm.memslot", kvm_memslot,
	  ARGS(TEXT("vm"), NUM("slot"), NUM("gpa"), NUM("size"), OPT_TEXT("dmabuf"),
	       OPT_TEXT("memfd"), OPT_NUM("offset"), OPT_TEXT("mapping"),
	       OPT_NUM("mapping_offset"), OPT_NUM("private"), OPT_NUM("flags")),
	  "KVM_SET_USER_MEMORY_REGION2: the slot is a dma-buf or a guest_memfd from an "
	  "offset, or the addresses of a mapping, whatever is there later, or both. "
	  "private=1: the dma-buf is private to the machine. size=0 deletes it. flags are "
	  "further ones." },
	{ "kvm.guestmemfd", kvm_guest_memfd,
	  ARGS(TEXT("vm"), TEXT("name"), NUM("size"), OPT_NUM("flags")),
	  "Makes a guest_memfd for a virtual machine." },
	{ "kvm.attributes", kvm_attributes,
	  ARGS(TEXT("vm"), NUM("gpa"), NUM("size"), NUM("private")),
	  "Makes guest memory private or, with private=0, shared." },
	{ "kvm.vcpu", kvm_vcpu, ARGS(TEXT("vm"), TEXT("name")),
	  "Makes a CPU of a virtual machine, up to 15." },

	{ "vcpu.read", vcpu_read,
	  ARGS(TEXT("vcpu"), NUM("gpa"), OPT_NUM("width"), OPT_NUM("count"),
	       OPT_NUM("stride")),
	  "Has a virtual CPU load 1, 2, 4 or 8 bytes, the default, at a GPA below 512 GiB; "
	  "count times, every stride bytes. exit is 'complete', or what KVM_RUN returned "
	  "with instead; done counts accesses, value is the last one's." },
	{ "vcpu.write", vcpu_write,
	  ARGS(TEXT("vcpu"), NUM("gpa"), NUM("value"), OPT_NUM("width"), OPT_NUM("count"),
	       OPT_NUM("stride")),
	  "Has it store, likewise." },
	{ "vcpu.xadd", vcpu_xadd,
	  ARGS(TEXT("vcpu"), NUM("gpa"), NUM("value"), OPT_NUM("width"), OPT_NUM("count"),
	       OPT_NUM("stride")),
	  "Has it add atomically; value is what was there." },
	{ "vcpu.cmpxchg", vcpu_cmpxchg,
	  ARGS(TEXT("vcpu"), NUM("gpa"), NUM("expected"), NUM("value"), OPT_NUM("width"),
	       OPT_NUM("count"), OPT_NUM("stride")),
	  "Has it exchange atomically if what is there is as expected; value is what was "
	  "there." },
	{ "vcpu.hammer", vcpu_hammer,
	  ARGS(TEXT("vcpu"), NUM("gpa"), OPT_NUM("width"), OPT_NUM("places"),
	       OPT_NUM("stride"), OPT_NUM("count")),
	  "Has it store 1, 2, 3 and so on without leaving the guest, to one place or to "
	  "several in turn; ends at count, vcpu.stop, or another exit. It blocks: start it "
	  "as a job." },
	{ "vcpu.resume", vcpu_resume, ARGS(TEXT("vcpu")),
	  "Goes on after an exit, with the instruction that caused it. A load that nobody "
	  "answered gives ones." },
	{ "vcpu.prefault", vcpu_prefault, ARGS(TEXT("vcpu"), NUM("gpa"), NUM("size")),
	  "Maps memory for it before it accesses any: KVM_PRE_FAULT_MEMORY, once. left is "
	  "how many bytes are still to be done, from gpa on." },
	{ "vcpu.stop", vcpu_stop, ARGS(TEXT("vcpu")),
	  "Tells the program to complete after the access it is at." },
	{ "vcpu.interrupt", vcpu_interrupt, ARGS(TEXT("vcpu")),
	  "Has KVM_RUN return with EINTR, the exit 'intr', even from a fault that it waits "
	  "for, and vcpu.prefault fail with it. ESRCH if the vCPU does neither." },
	{ "vcpu.state", vcpu_state, ARGS(TEXT("vcpu")),
	  "Whether it runs, and how far it has come, meanwhile too." },

	{ "program.put", program_put,
	  ARGS(TEXT("path"), TEXT("data"), OPT_NUM("append")),
	  "Writes a program, or with append=1 more of it; data is base64." },
	{ "program.run", program_run,
	  ARGS(TEXT("path"), OPT_LIST("args"), OPT_LIST("env"), OPT_TEXT("output"),
	       OPT_NUM("timeout_ms")),
	  "Runs a program to its end: status or signal, and timed_out if it had to be "
	  "killed. Both its outputs go to a file, /tmp/program.out if not given. env is "
	  "NAME=VALUE,... Default limit 60000 ms." },
	{ "program.output", program_output, ARGS(TEXT("path"), OPT_NUM("offset")),
	  "A piece of a program's output, and the offset of the next one: the same when "
	  "there is none." },
	{ "program.attach", program_attach,
	  ARGS(TEXT("path"), OPT_LIST("args"), OPT_LIST("env"), OPT_TEXT("terminal"),
	       OPT_NUM("rows"), OPT_NUM("columns"), OPT_TEXT("sizes"), OPT_TEXT("output"),
	       OPT_TEXT("errors")),
	  "Runs a program to its end whose terminal is a virtio-serial port, named by "
	  "terminal; sizes is a port that takes ROWS COLUMNS lines. Or one whose outputs go "
	  "to the ports output and errors. Answers how many bytes it has sent there." },
	{},
};
/* clang-format on */

const struct op *op_find(const char *name)
{
	const struct op *op;

	for (op = ops; op->name; op++) {
		if (!strcmp(op->name, name))
			return op;
	}
	return NULL;
}

void op_print_usage(const struct op *op)
{
	static const char *const shape[] = {
		[ARG_TEXT] = "TEXT",	      [ARG_NUMBER] = "NUMBER",
		[ARG_RANGES] = "OFF+LEN,...", [ARG_LIST] = "TEXT,...",
		[ARG_OBJECT] = "...",	      [ARG_ARRAY] = "[...]",
	};
	const struct arg *arg;

	printf("%s", op->name);
	for (arg = op->args; arg->name; arg++)
		printf(arg->optional ? " [%s=%s]" : " %s=%s", arg->name,
		       shape[arg->type]);
	printf("\n");
}
