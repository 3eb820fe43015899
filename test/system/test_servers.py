#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Further servers as Debian ships them: web servers, a TLS server, a broker, a resolver, rsync, socat."""
import os
import sys

from shimtest import PYTHON, SHIM4, TapWorld, check, main, need, sh

DNS_CLIENT = r"""
import socket, sys
host = sys.argv[1]
q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\4test\7example\0\0\1\0\1"
for i in range(20):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.settimeout(5)
    u.sendto(q, (host, 53))
    d, a = u.recvfrom(1000)
    assert a == (host, 53) and d[:2] == q[:2] and d[-4:] == b"\xc0\0\2\x4d", (a, d)
t = socket.create_connection((host, 53), 5)
t.sendall(len(q).to_bytes(2, "big") + q)
d = t.recv(1000)
assert d[2:4] == q[:2] and d[-4:] == b"\xc0\0\2\x4d", d
print("good")
"""


def web_root(w):
    """A directory with a page and a file of 20 MB."""
    root = w.path("htdocs")
    os.mkdir(root)
    os.chmod(root, 0o755)
    w.write("htdocs/index.html", "a page\n")
    with open(os.path.join(root, "big"), "wb") as f:
        f.write(os.urandom(20 << 20))
    return root


def same_file(a, b):
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


def browse(w, root):
    """The page, the file, and two loads, without one failure."""
    check(w.run("curl", "-sS", f"http://{SHIM4}/index.html") == "a page\n")
    w.run("curl", "-sS", "-o", w.path("got"), f"http://{SHIM4}/big")
    check(same_file(w.path("got"), os.path.join(root, "big")), "the file arrived changed")
    for mode in ([], ["-k"]):
        out = w.run("ab", "-q", *mode, "-n", "2000", "-c", "20", f"http://{SHIM4}/index.html")
        check("Failed requests:        0\n" in out, out)


def apache(mpm):
    with TapWorld() as w:
        need("apache2", "ab", "curl")
        root = web_root(w)
        modules = "/usr/lib/apache2/modules"
        conf = w.write("apache.conf", f"""
ServerRoot {w.dir}
ServerName test
PidFile {w.path("pid")}
ErrorLog {w.path("error.log")}
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
Listen 80
User www-data
Group www-data
StartServers 2
DocumentRoot {root}
""")
        p = w.shim("apache2", "-D", "FOREGROUND", "-f", conf)
        w.listening(80, p)
        browse(w, root)
        # A graceful restart: new children, the same listener.
        sh(["sh", "-c", f"kill -USR1 $(cat {w.path('pid')})"])
        for _ in range(20):
            check(w.run("curl", "-sS", f"http://{SHIM4}/index.html") == "a page\n")
        w.alive(p)


def lighttpd():
    with TapWorld() as w:
        need("lighttpd", "ab", "curl")
        root = web_root(w)
        conf = w.write("lighttpd.conf", f'server.document-root = "{root}"\n'
                       "server.port = 80\nserver.max-worker = 2\n")
        p = w.shim("lighttpd", "-D", "-f", conf)
        w.listening(80, p)
        browse(w, root)


def socat():
    with TapWorld() as w:
        need("socat")
        p = w.shim("socat", "TCP-LISTEN:7000,reuseaddr,fork", "EXEC:cat")
        w.listening(7000, p)
        for i in range(5):
            out = w.run("sh", "-c", f"echo line {i} | socat -t5 - TCP:{SHIM4}:7000")
            check(out == f"line {i}\n", out)


def tls_server():
    with TapWorld() as w:
        need("openssl", "curl")
        sh(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", w.path("key"),
            "-out", w.path("cert"), "-days", "2", "-subj", "/CN=test"])
        p = w.shim("openssl", "s_server", "-accept", "4433", "-key", w.path("key"), "-cert",
                   w.path("cert"), "-www")
        w.listening(4433, p)
        for _ in range(5):
            check("s_server" in w.run("curl", "-ksS", f"https://{SHIM4}:4433/"))


def unbound():
    with TapWorld() as w:
        need("unbound")
        conf = w.write("unbound.conf", """
server:
  interface: 0.0.0.0
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "/"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 2
  so-reuseport: yes
  local-zone: "example." static
  local-data: "test.example. A 192.0.2.77"
""")
        p = w.shim("unbound", "-d", "-c", conf)
        w.listening(53, p)
        check("good" in w.run(PYTHON, "-c", DNS_CLIENT, SHIM4))


def mosquitto():
    with TapWorld() as w:
        need("mosquitto", "mosquitto_sub", "mosquitto_pub")
        conf = w.write("mosquitto.conf",
                       "listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n")
        p = w.shim("mosquitto", "-c", conf)
        w.listening(1883, p)
        # What is retained waits for whoever comes.
        for i in range(3):
            w.run("mosquitto_pub", "-h", SHIM4, "-t", f"a/{i}", "-r", "-m", f"message {i}")
        out = w.run("mosquitto_sub", "-h", SHIM4, "-t", "a/+", "-C", "3")
        check(sorted(out.splitlines()) == [f"message {i}" for i in range(3)], out)


def rsync():
    with TapWorld() as w:
        need("rsync")
        os.mkdir(w.path("src"))
        with open(w.path("src/f"), "wb") as f:
            f.write(os.urandom(8 << 20))
        conf = w.write("rsyncd.conf", f"use chroot = no\nuid = root\ngid = root\n"
                       f"[m]\npath = {w.path('src')}\nread only = no\n")
        p = w.shim("rsync", "--daemon", "--no-detach", "--config", conf, "--port", "8730")
        w.listening(8730, p)
        w.run("rsync", "-a", f"rsync://{SHIM4}:8730/m/f", w.path("down"))
        check(same_file(w.path("down"), w.path("src/f")), "what came down is not what is there")
        w.run("rsync", "-a", w.path("down"), f"rsync://{SHIM4}:8730/m/up")
        check(same_file(w.path("down"), w.path("src/up")), "what went up is not what was sent")


TESTS = [
    ("apache_event", lambda: apache("event")),
    ("apache_prefork", lambda: apache("prefork")),
    ("apache_worker", lambda: apache("worker")),
    ("lighttpd_two_workers", lighttpd),
    ("socat_child_for_each_connection", socat),
    ("openssl_s_server", tls_server),
    ("unbound_two_threads", unbound),
    ("mosquitto", mosquitto),
    ("rsync_daemon", rsync),
]

if __name__ == "__main__":
    sys.exit(main(TESTS))
