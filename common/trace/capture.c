/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/trace/capture.h"

#include <pcap/pcap.h>

static void take_packet(struct flows *flows, int link_type, uint16_t port,
			const struct pcap_pkthdr *header, const uint8_t *octets,
			struct capture_count *count)
{
	uint64_t time_us = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
	struct segment s;
	enum err err = packet_segment(link_type, VIEW(octets, header->caplen), &s);

	count->packets++;
	count->cut += err == E_TRUNCATED;
	count->fragments += err == E_UNSUPPORTED;
	if (err || (port && endpoint_port(&s.from) != port && endpoint_port(&s.to) != port))
		return;
	count->segments++;
	flows_add(flows, time_us, &s);
}

static enum err read_all(pcap_t *file, const char *path, uint16_t port, struct flows *flows,
			 struct capture_count *count, struct error *e)
{
	int link_type = pcap_datalink(file);
	struct pcap_pkthdr *header;
	const uint8_t *octets;
	int got;

	if (!packet_link_is_known(link_type))
		return error_set(e, E_UNSUPPORTED, "%s: captured from a link of type %d (%s), which is "
				 "not known here", path, link_type,
				 pcap_datalink_val_to_name(link_type));
	while ((got = pcap_next_ex(file, &header, &octets)) == 1)
		take_packet(flows, link_type, port, header, octets, count);
	flows_end(flows);
	if (got == PCAP_ERROR_BREAK)
		return E_OK;
	return error_set(e, E_TRUNCATED, "%s: %s", path, pcap_geterr(file));
}

enum err capture_read(const char *path, uint16_t port, const struct flows_events *events, void *owner,
		      struct capture_count *ret_count, struct error *e)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *file = pcap_open_offline(path, reason);
	struct flows *flows;
	enum err err;

	*ret_count = (struct capture_count){0};
	if (!file)
		return error_set(e, E_SYNTAX, "%s: %s", path, reason);
	flows = flows_new(events, owner);
	err = flows ? read_all(file, path, port, flows, ret_count, e)
		    : error_set(e, E_MEMORY, "%s: out of memory", path);
	flows_free(flows);
	pcap_close(file);
	return err;
}
