// SPDX-License-Identifier: Apache-2.0
package dmabuflab.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The other end of a socket: plays QEMU or an agent line by line. */
public final class Peer implements AutoCloseable {
    private final SocketChannel mine;
    private final SocketChannel theirs;
    private final BufferedReader lines;

    public Peer(Path directory) throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("s"));
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address);
            theirs = SocketChannel.open(address);
            mine = server.accept();
        }
        lines = new BufferedReader(Channels.newReader(mine, StandardCharsets.UTF_8));
    }

    /** The end to hand to the code under test. */
    public SocketChannel socket() {
        return theirs;
    }

    public void says(String text) throws IOException {
        mine.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    public String hears() throws IOException {
        return lines.readLine();
    }

    @Override
    public void close() throws IOException {
        mine.close();
        theirs.close();
    }
}
