# The memory of this guest as it was when its scenario was red. Here, in this
# directory:
#
#	gdb -x memory.gdb
#
# "info threads" shows its CPUs. With lines and types (--kernel gdb) there are
# the kernel's own commands too: lx-dmesg, lx-ps, "apropos lx". drgn opens what
# --kernel gdb has left:
#
#	drgn -c memory.elf -s guest/vmlinux
add-auto-load-safe-path guest
file guest/vmlinux
core-file memory.elf
