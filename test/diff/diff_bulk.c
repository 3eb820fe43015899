/* SPDX-License-Identifier: BSD-3-Clause */
/* many bytes: whole, in order, once */
#include "diff.h"

void whole_pattern(void)
{
	static char buf[100000];
	int s = tcp_to(PATTERN);
	ssize_t n = read_all(s, buf, sizeof(buf));
	bool good = n == sizeof(buf);

	for (ssize_t i = 0; i < n; i++)
		good = good && (unsigned char)buf[i] == (unsigned char)(i * 7 + (i >> 8));
	say("read %zd: %s", n, good ? "as sent" : "changed");
	DO(read(s, buf, 1));
	close(s);
}

static void *drain(void *arg)
{
	static char buf[1 << 16];
	long *sum = arg;
	ssize_t n;

	while ((n = read((int)sum[0], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum[1] = (sum[1] * 31 + (unsigned char)buf[i]) & 0xffffffff;
	return NULL;
}

void bulk_echo(void)
{
	static char data[3000000];
	long sum[2] = { 0, 0 }, want = 0;
	int s = tcp_to(ECHO);
	size_t off = 0;
	pthread_t t;

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (char)(i * 13 + (i >> 10));
		want = (want * 31 + (unsigned char)data[i]) & 0xffffffff;
	}
	sum[0] = s;
	pthread_create(&t, NULL, drain, sum);
	while (off < sizeof(data)) {
		ssize_t n = write(s, data + off, sizeof(data) - off);

		if (n <= 0) {
			say("write: %s", strerrorname_np(errno));
			break;
		}
		off += (size_t)n;
	}
	shutdown(s, SHUT_WR);
	pthread_join(t, NULL);
	say("%zu bytes went round %s", off, sum[1] == want ? "unchanged" : "changed");
	close(s);
}

void full_send_buffer(void)
{
	static char data[1 << 20];
	int s = tcp_to(MUTE), n;
	long total = 0;
	ssize_t r;

	fcntl(s, F_SETFL, O_NONBLOCK);
	while ((r = write(s, data, sizeof(data))) > 0)
		total += r;
	say("at the end %zd %s, after %s", r, strerrorname_np(errno), total > 10000 ? "much" : "little");
	/* The peer's window fills slowly: wait until nothing more goes. */
	for (int i = 0; i < 100; i++) {
		struct pollfd p = { .fd = s, .events = POLLOUT };

		if (poll(&p, 1, 300) == 0)
			break;
		while (write(s, data, sizeof(data)) > 0)
			;
	}
	wait_for(s, POLLIN | POLLOUT, 0);
	DO(ioctl(s, SIOCOUTQ, &n));
	say("SIOCOUTQ %s", n > 0 ? "positive" : "zero");
	close(s);
}

void send_file(void)
{
	char name[] = "/tmp/shimdiff.XXXXXX";
	int f = mkstemp(name), s = tcp_to(ECHO);
	static char data[40000], got[40000];
	off_t off = 1000;
	size_t sent = 0;

	unlink(name);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 11 + (i >> 7));
	if (write(f, data, sizeof(data)) != sizeof(data))
		return;
	while (sent < 30000) {
		ssize_t r = sendfile(s, f, &off, 30000 - sent);

		if (r <= 0) {
			say("sendfile: %zd %s", r, strerrorname_np(errno));
			break;
		}
		sent += (size_t)r;
	}
	say("sent %zu, offset %ld, position %ld", sent, (long)off, (long)lseek(f, 0, SEEK_CUR));
	say("echo %s", read_all(s, got, 30000) == 30000 && !memcmp(got, data + 1000, 30000) ? "as sent" :
											 "changed");
	lseek(f, 39990, SEEK_SET);
	DO(sendfile(s, f, NULL, 100));
	DO(sendfile(s, f, NULL, 100));
	DO(sendfile(s, 9999, NULL, 100));
	DO(sendfile(s, s, NULL, 100));
	close(f);
	close(s);
}
