/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * con.c - virtio console driver with ports, and the command `con`
 *
 * VIRTIO 1.2, 5.3. Port 0 has queues 0 and 1; with VIRTIO_CONSOLE_F_MULTIPORT queues 2
 * and 3 carry control messages and port n has queues 2 + 2n and 3 + 2n. The device tells
 * its ports after DEVICE_READY; a port gets its receive buffers when it is told of.
 */
#include "tests/guest/con.h"
#include "tests/guest/paging.h"
#include "tests/guest/print.h"
#include "tests/guest/string.h"
#include "tests/guest/virtio.h"

#define F_SIZE      (1ul << 0)
#define F_MULTIPORT (1ul << 1)
#define CFG_PORTS   4 /* le32 */

enum event {
	DEVICE_READY,
	PORT_ADD,
	PORT_REMOVE,
	PORT_READY,
	CONSOLE_PORT,
	RESIZE,
	PORT_OPEN,
	PORT_NAME,
};

struct message {
	uint32_t id;
	uint16_t event, value;
};

#define PORTS_MAX  ((VIRTIO_QUEUES_MAX - 2) / 2)
#define NAME_MAX   64
#define RX_BUFFERS 8
#define RX_BYTES   512
#define SEND_MAX   2048
#define DEFAULT_MS 1000

struct port {
	bool exists, is_console, host_open, guest_open;
	char name[NAME_MAX];
	uint8_t *rx;
};

static struct {
	struct virtio_dev *dev; /* NULL: not started */
	bool multiport;
	unsigned n_ports;
	unsigned n_wrong; /* PORT_ADD of a port that is there or cannot be */
	struct port port[PORTS_MAX];
	uint8_t *control; /* receive buffers of control messages, and one page to send */
} con;

static unsigned rx_queue(unsigned port)
{
	return port ? 2 + 2 * port : 0;
}

static bool post(struct vring *r, uint8_t *buffers, unsigned i)
{
	struct vring_seg seg = { (uintptr_t)buffers + i * RX_BYTES, RX_BYTES };

	return vring_add(r, &seg, 0, 1, i + 1);
}

static void post_all(struct vring *r, uint8_t *buffers)
{
	vring_interrupts_off(r);
	for (unsigned i = 0; i < RX_BUFFERS && post(r, buffers, i); i++)
		;
	vring_kick(r);
}

/* Sends @n bytes on a queue and waits until they are taken. */
static bool send(unsigned queue, const void *data, uint32_t n)
{
	struct vring *r = con.dev->queue[queue];
	uint8_t *copy = con.control + RX_BUFFERS * RX_BYTES;
	struct vring_seg seg = { (uintptr_t)copy, n };
	uint64_t cookie;
	uint32_t len;

	memcpy(copy, data, n);
	vring_interrupts_off(r);
	if (!vring_add(r, &seg, 1, 0, 1))
		return false;
	vring_kick(r);
	return virtio_wait(r, VIRTIO_ANSWER_MS) && vring_take(r, &cookie, &len);
}

static bool send_control(uint32_t id, enum event event, uint16_t value)
{
	struct message m = { id, (uint16_t)event, value };

	return send(3, &m, sizeof(m));
}

static void port_add(unsigned id)
{
	struct port *p = &con.port[id];

	p->exists = true;
	if (!p->rx)
		p->rx = paging_alloc(RX_BUFFERS * RX_BYTES);
	if (p->rx)
		post_all(con.dev->queue[rx_queue(id)], p->rx);
	send_control(id, PORT_READY, p->rx ? 1 : 0);
}

static void take_message(const uint8_t *bytes, uint32_t len)
{
	struct message m;
	struct port *p;
	size_t n = len - sizeof(m);

	if (len < sizeof(m))
		return;
	memcpy(&m, bytes, sizeof(m));
	if (m.event == PORT_ADD && (m.id >= con.n_ports || con.port[m.id].exists))
		con.n_wrong++;
	if (m.id >= con.n_ports)
		return;
	p = &con.port[m.id];
	switch (m.event) {
	case PORT_ADD:
		port_add(m.id);
		break;
	case PORT_REMOVE:
		p->exists = false;
		break;
	case CONSOLE_PORT:
		p->is_console = true;
		break;
	case PORT_OPEN:
		p->host_open = m.value;
		break;
	case PORT_NAME:
		memcpy(p->name, bytes + sizeof(m), n < NAME_MAX ? n : NAME_MAX - 1);
		p->name[n < NAME_MAX ? n : NAME_MAX - 1] = '\0';
		break;
	default:
		break;
	}
}

/* Handles the control messages that are there. Return: whether there were any */
static bool take_messages(void)
{
	struct vring *r = con.dev->queue[2];
	bool any = false;
	uint64_t cookie;
	uint32_t len;

	while (vring_take(r, &cookie, &len)) {
		any = true;
		if (!cookie)
			continue;
		take_message(con.control + (cookie - 1) * RX_BYTES,
			     len < RX_BYTES ? len : RX_BYTES);
		post(r, con.control, (unsigned)cookie - 1);
	}
	if (any)
		vring_kick(r);
	return any;
}

/* Tells the device what it knows of a port. Return: true when it has taken that */
static bool say_again(void)
{
	for (unsigned i = 0; i < con.n_ports; i++) {
		if (con.port[i].exists)
			return send_control(i, PORT_OPEN, con.port[i].guest_open);
	}
	return false;
}

/*
 * Handles control messages until the device has none left. It takes what it is sent in
 * order, and gives its answers before it takes what was sent after they were asked for: so
 * when it has taken one more message, and there is nothing, nothing is under way.
 */
static void settle(void)
{
	while (con.multiport && take_messages() && say_again())
		;
}

static bool start_ports(void)
{
	if (!con.multiport) {
		struct port *p = &con.port[0];

		p->exists = p->is_console = p->host_open = p->guest_open = true;
		if (!p->rx && !(p->rx = paging_alloc(RX_BUFFERS * RX_BYTES)))
			return false;
		post_all(con.dev->queue[0], p->rx);
		return true;
	}
	post_all(con.dev->queue[2], con.control);
	if (!send_control(0xffffffff, DEVICE_READY, 1))
		return false;
	virtio_wait(con.dev->queue[2], VIRTIO_ANSWER_MS);
	settle();
	return true;
}

/* The console, started when it is not. Return: false, and said so, without */
static bool con_open(void)
{
	struct virtio_dev *d = virtio_find(VIRTIO_CONSOLE, 0);
	uint64_t offered, ports = 1;
	uint8_t running = VIRTIO_S_DRIVER_OK;

	if (con.dev &&
	    (virtio_status(con.dev) & (running | VIRTIO_S_NEEDS_RESET)) == running) {
		settle();
		return true;
	}
	if (!con.control)
		con.control = paging_alloc((RX_BUFFERS + 8) * RX_BYTES);
	if (!d || !con.control) {
		print("con: there is no console\n");
		return false;
	}
	offered = virtio_offered(d);
	con.multiport = offered & F_MULTIPORT;
	if (con.multiport)
		ports = virtio_config32(d, CFG_PORTS);
	con.n_ports = (unsigned)(ports < PORTS_MAX ? ports : PORTS_MAX);
	for (unsigned i = 0; i < PORTS_MAX; i++)
		con.port[i] = (struct port){ .rx = con.port[i].rx };
	con.n_wrong = 0;
	con.dev = d;
	if (virtio_start(d, VIRTIO_F_RINGS | F_SIZE | F_MULTIPORT,
			 con.multiport ? 2 * con.n_ports + 2 : 2) &&
	    start_ports())
		return true;
	print("con: the console does not start\n");
	con.dev = NULL;
	return false;
}

bool con_count_ports(unsigned *ret_ports, unsigned *ret_wrong)
{
	con.dev = NULL;
	if (!con_open())
		return false;
	*ret_ports = 0;
	for (unsigned i = 0; i < con.n_ports; i++)
		*ret_ports += con.port[i].exists;
	*ret_wrong = con.n_wrong;
	return true;
}

bool con_send_control(const void *message, uint32_t n)
{
	return con.multiport && n <= SEND_MAX && send(3, message, n);
}

static void con_list(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < con.n_ports; i++) {
		const struct port *p = &con.port[i];

		if (!p->exists)
			continue;
		n++;
		print("con port %u: %s, name '%s', host %s\n", i,
		      p->is_console ? "console" : "port", p->name,
		      p->host_open ? "open" : "closed");
	}
	print("con list: %u ports of %u\n", n, con.n_ports);
}

/* Return: the port that a word names by number or name, opened; or -1, and said so */
static int find_port(const char *word)
{
	uint64_t id = con.n_ports;

	if (!str_to_u64(word, &id)) {
		for (id = 0; id < con.n_ports; id++) {
			if (con.port[id].exists && str_cmp(con.port[id].name, word) == 0)
				break;
		}
	}
	if (id >= con.n_ports || !con.port[id].exists) {
		print("con: there is no port '%s'\n", word);
		return -1;
	}
	if (con.multiport && !con.port[id].guest_open)
		con.port[id].guest_open = send_control((uint32_t)id, PORT_OPEN, 1);
	return (int)id;
}

/* What cannot be typed: each \377 becomes the byte. Return: bytes that are left */
static uint32_t unescape(char *text)
{
	const char *from = text;
	char *to = text;

	while (*from) {
		bool byte = from[0] == '\\' && from[1] == '3' && from[2] == '7' &&
			    from[3] == '7';

		*to++ = byte ? '\377' : *from;
		from += byte ? 4 : 1;
	}
	return (uint32_t)(to - text);
}

static void con_write(unsigned port, char *text)
{
	uint32_t n = unescape(text);

	if (n && send(rx_queue(port) + 1, text, n))
		print("con write: %u bytes\n", n);
	else
		print("con write: no answer\n");
}

static void con_read(unsigned port, char *args)
{
	struct vring *r = con.dev->queue[rx_queue(port)];
	uint64_t cookie, ms = DEFAULT_MS;
	uint32_t len;

	if (!str_u64(&args, &ms)) {
		print("con read: MS must be a number\n");
		return;
	}
	if (!virtio_wait(r, (unsigned)ms)) {
		print("con read: nothing\n");
		return;
	}
	while (vring_take(r, &cookie, &len)) {
		const char *text = (char *)con.port[port].rx + (cookie - 1) * RX_BYTES;

		if (!cookie || len > RX_BYTES)
			continue;
		print("con read: %u bytes: ", len);
		for (uint32_t i = 0; i < len; i++)
			print("%c", text[i] >= ' ' && text[i] <= '~' ? text[i] : '.');
		print("\n");
		post(r, con.port[port].rx, (unsigned)cookie - 1);
	}
	vring_kick(r);
}

void con_command(char *args)
{
	const char *verb = str_word(&args);
	int port;

	if (!con_open())
		return;
	if (str_cmp(verb, "list") == 0) {
		con_list();
	} else if (str_cmp(verb, "write") == 0) {
		if ((port = find_port(str_word(&args))) >= 0)
			con_write((unsigned)port, args);
	} else if (str_cmp(verb, "read") == 0) {
		if ((port = find_port(str_word(&args))) >= 0)
			con_read((unsigned)port, args);
	} else {
		print("con: list, write or read, not '%s'\n", verb);
	}
}
