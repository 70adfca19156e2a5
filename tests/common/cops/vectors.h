/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole messages as octets, made by hand from RFC 2748, RFC 3084 and RFC 4261 by a program that
 * shares nothing with this one, and looked at in Wireshark. Client-type 0x4001, handle 00000001.
 */
#ifndef COPSEC_TESTS_COMMON_COPS_VECTORS_H
#define COPSEC_TESTS_COMMON_COPS_VECTORS_H

#include "common/base/bytes.h"

struct vector {
	const char *name;
	const char *hex;
	const char *text; /* lines that the print must hold, separated by '|' */
	bool too_wide_for_wireshark;
};

static const struct vector vectors[] = {
	{"OPN", "100640010000001c00140b01706570312e6578616d706c6500000000",
		"OPN client-type 0x4001 length 28|PEPID pepid=\"pep1.example\"", false},
	{"CAT", "100740010000001800080a010000001e00080f010000003c",
		"KATimer seconds=30|AcctTimer seconds=60", false},
	{"REQ with full state",
		"10014001000000b0000801010000000100080201000800000098090200100101060a2b0601020202"
		"01020101001b0301420101040004000201034202012c0201010201010201010000100101060a2b06"
		"0102020201030101001b030142010104067065702076314203010000420500ffffffff0000100101"
		"060a2b060102020202020101001303014201010408656467652b76706e04000000100101060a2b06"
		"01020202020301010007030102010200",
		"Handle octets=00000001|Context r-type=0x0008,configuration m-type=0|"
		"ClientSI:Named objects=148 octets|PRID oid=1.3.6.1.2.2.2.1.2.1.1|"
		"EPD values=020102|PRID oid=1.3.6.1.2.2.2.2.3.1.1",
		false},
	{"DEC NULL", "1102400100000020000801010000000100080201000800000008060100000000",
		"DEC client-type 0x4001 length 32 solicited|"
		"Decision:Flags command=NULL(0) flags=0x0000",
		false},
	{"DEC remove and install",
		"11024001000000a800080101000000010008020100080000000806010002000000140605000f0201"
		"06092b060102020203010100000802010008000000080601000100000064060500100101060a2b06"
		"0102020203010107000a0301420107020102000000100101060a2b06010202020302010700320301"
		"0201010404c00002004201180404000000004201000201ff0201ff420106420201bb420201bb4201"
		"00420300ffff0000",
		"command=Remove(2)|PPRID oid=1.3.6.1.2.2.2.3.1.1|command=Install(1)|"
		"PRID oid=1.3.6.1.2.2.2.3.1.1.7|PRID oid=1.3.6.1.2.2.2.3.2.1.7",
		false},
	{"RPT success", "1103400100000018000801010000000100080c0100010000",
		"solicited|Report-Type type=Success(1)", false},
	{"RPT failure",
		"110340010000003c000801010000000100080c010002000000240902000804010009000000100601"
		"060a2b0601020202030201070008050100030009",
		"type=Failure(2)|GPERR code=unknownPIBData(9) sub-code=0|"
		"ErrorPRID oid=1.3.6.1.2.2.2.3.2.1.7|CPERR code=attrValueInvalid(3) sub-code=9",
		false},
	{"DRQ", "100440010000001800080101000000010008050100020000",
		"Reason code=Management(2) sub-code=0", false},
	{"SSQ", "1005400100000008", "SSQ client-type 0x4001 length 8", false},
	{"SSC", "100a400100000008", "SSC client-type 0x4001 length 8", false},
	{"KA", "1009000000000008", "KA client-type 0x0000 (connection) length 8", false},
	{"CC with redirection", "100840010000001c00080801000c0000000c0d01c000020900000cd8",
		"Error code=Redirect to Preferred Server(12)|"
		"PDPRedirAddr:IPv4 address=192.0.2.9 port=3288",
		false},
	{"OPN with StartTLS",
		"100600000000002400140b01706570312e6578616d706c65000000000008100200000001",
		"Integrity-TLS flags=0x0001,StartTLS", false},
	{"CC that demands TLS", "100800000000001000080801000f1002",
		"Error code=Authentication Required(15) sub-code=4098", false},
	{"OPN with HMAC",
		"100600000000003400140b01706570312e6578616d706c650000000000181001000000010000000a"
		"fafa6f899a2dab4a944f4293",
		"Integrity key=1 sequence=10 digest=fafa6f899a2dab4a944f4293", false},
	{"DEC with Unsigned64 of 2^63",
		"10024001000000480008010100000001000802010008000000080601000100000028060500100101"
		"060a2b060102020501050101001403014201014b090080000000000000000500",
		"EPD values=4201014b090080000000000000000500", true},
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

#endif
