/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/grammar.h"

#include "common/base/pin.h"
#include "pib/policy/algorithms.h"
#include "pmt/language/row_grammar.h"
#include "pmt/language/times.h"
#include "pmt/language/value.h"

#include <string.h>

enum {
	TEXT_LENGTH_MAX = 255, /* SnmpAdminString */
	WORDS_MAX = 65536,     /* in one attribute */
	INTERFACE_LENGTH_MAX = 15
};

#define HOLDS(kind) (UINT64_C(1) << (kind))

static const char *const attribute_names[ATTRIBUTE_COUNT] = {
	[ATTRIBUTE_ABOUT] = "about",
	[ATTRIBUTE_ACROSS_BOOT] = "across-boot",
	[ATTRIBUTE_ACTION] = "action",
	[ATTRIBUTE_ADDRESS] = "address",
	[ATTRIBUTE_ADDRESSES] = "addresses",
	[ATTRIBUTE_ANSWER] = "answer",
	[ATTRIBUTE_AT] = "at",
	[ATTRIBUTE_AT_LEAST] = "at-least",
	[ATTRIBUTE_AUTHENTICATION] = "authentication",
	[ATTRIBUTE_AUTHORITY] = "authority",
	[ATTRIBUTE_BINDING] = "binding",
	[ATTRIBUTE_BOTH] = "both",
	[ATTRIBUTE_BURST] = "burst",
	[ATTRIBUTE_CERTIFICATE] = "certificate",
	[ATTRIBUTE_CONDITION] = "condition",
	[ATTRIBUTE_CONNECTIONS] = "connections",
	[ATTRIBUTE_CONNECTIONS_FOR] = "connections-for",
	[ATTRIBUTE_DAYS] = "days",
	[ATTRIBUTE_DAYS_FROM_END] = "days-from-end",
	[ATTRIBUTE_DEMAND] = "demand",
	[ATTRIBUTE_DSCP] = "dscp",
	[ATTRIBUTE_ENCRYPTION] = "encryption",
	[ATTRIBUTE_ESN] = "esn",
	[ATTRIBUTE_EXCEPT_FROM] = "except-from",
	[ATTRIBUTE_EXCEPT_TO] = "except-to",
	[ATTRIBUTE_FILLED_BY] = "filled-by",
	[ATTRIBUTE_FOR] = "for",
	[ATTRIBUTE_FORWARD] = "forward",
	[ATTRIBUTE_FROM] = "from",
	[ATTRIBUTE_GRACE] = "grace",
	[ATTRIBUTE_GROUP] = "group",
	[ATTRIBUTE_HAVING] = "having",
	[ATTRIBUTE_GUARDIAN] = "guardian",
	[ATTRIBUTE_HREF] = "href",
	[ATTRIBUTE_ICMP] = "icmp",
	[ATTRIBUTE_ICMPV6] = "icmpv6",
	[ATTRIBUTE_ID] = "id",
	[ATTRIBUTE_IN] = "in",
	[ATTRIBUTE_IN_ROLE] = "in-role",
	[ATTRIBUTE_INTEGRITY] = "integrity",
	[ATTRIBUTE_ISOLATE] = "isolate",
	[ATTRIBUTE_KEY] = "key",
	[ATTRIBUTE_KIND] = "kind",
	[ATTRIBUTE_LEAST] = "least",
	[ATTRIBUTE_LIFETIME] = "lifetime",
	[ATTRIBUTE_LOG] = "log",
	[ATTRIBUTE_LONGEST] = "longest",
	[ATTRIBUTE_MODE] = "mode",
	[ATTRIBUTE_MONTHS] = "months",
	[ATTRIBUTE_MOST] = "most",
	[ATTRIBUTE_MOST_NODES] = "most-nodes",
	[ATTRIBUTE_MOST_RULES] = "most-rules",
	[ATTRIBUTE_NAME] = "name",
	[ATTRIBUTE_NODE] = "node",
	[ATTRIBUTE_NUMBER] = "number",
	[ATTRIBUTE_OF] = "of",
	[ATTRIBUTE_OFFERS] = "offers",
	[ATTRIBUTE_OLD] = "old",
	[ATTRIBUTE_OUT] = "out",
	[ATTRIBUTE_OUT_ROLE] = "out-role",
	[ATTRIBUTE_PEER] = "peer",
	[ATTRIBUTE_PRF] = "prf",
	[ATTRIBUTE_PROTOCOL] = "protocol",
	[ATTRIBUTE_RATE] = "rate",
	[ATTRIBUTE_RATE_FOR] = "rate-for",
	[ATTRIBUTE_REPORT] = "report",
	[ATTRIBUTE_ROLE] = "role",
	[ATTRIBUTE_ROLES] = "roles",
	[ATTRIBUTE_RULE] = "rule",
	[ATTRIBUTE_SA_KEYS] = "sa-keys",
	[ATTRIBUTE_SEAL] = "seal",
	[ATTRIBUTE_SENSOR] = "sensor",
	[ATTRIBUTE_SERVICE] = "service",
	[ATTRIBUTE_SEVERITY] = "severity",
	[ATTRIBUTE_SHADOW] = "shadow",
	[ATTRIBUTE_STALE] = "stale",
	[ATTRIBUTE_STATEFUL] = "stateful",
	[ATTRIBUTE_TCP] = "tcp",
	[ATTRIBUTE_TENANT] = "tenant",
	[ATTRIBUTE_TIMES] = "times",
	[ATTRIBUTE_TO] = "to",
	[ATTRIBUTE_TRUST] = "trust",
	[ATTRIBUTE_UDP] = "udp",
	[ATTRIBUTE_UNTIL] = "until",
	[ATTRIBUTE_USUAL] = "usual",
	[ATTRIBUTE_VALID] = "valid",
	[ATTRIBUTE_VERDICT] = "verdict",
	[ATTRIBUTE_VIA] = "via",
	[ATTRIBUTE_WEEKDAYS] = "weekdays",
	[ATTRIBUTE_WHEN] = "when",
	[ATTRIBUTE_WITH] = "with",
	[ATTRIBUTE_WITHIN] = "within",
	[ATTRIBUTE_ZONE] = "zone",
};

static const struct grammar_attribute policy_attributes[] = {
	{ATTRIBUTE_TENANT, TYPE_NAME, true, NULL, "Whose policy this is.", NULL},
	{ATTRIBUTE_AUTHORITY, TYPE_CHOICE, false, "home",
		"The part that it plays at a node. What is not of home makes nodes stricter only: it "
		"has no nodes of its own, and its rules are for whoever has a role.",
		"home operator visited responder directory"},
	{ATTRIBUTE_STALE, TYPE_CHOICE, false, "keep",
		"What a node does when the policy's time of validity has passed and it has no "
		"newer one: go on with it, obey only what forbids, speak with its decision point "
		"only, or, if it is not home's, go on without it.",
		"keep tighten quarantine end"},
	{0},
};
static const struct grammar_attribute no_attributes[] = {{0}};
static const struct grammar_attribute admit_attributes[] = {
	{ATTRIBUTE_AUTHORITY, TYPE_CHOICE, true, NULL, "The part that it plays.",
		"operator visited"},
	{ATTRIBUTE_TENANT, TYPE_NAME, false, NULL,
		"In whose name it signs. Without it, of a visited network: whoever that is.", NULL},
	{ATTRIBUTE_TRUST, TYPE_PIN, false, NULL,
		"Its first trust list (pmt show tells it). Without it, of a visited network: "
		"whichever it shows.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute include_attributes[] = {
	{ATTRIBUTE_HREF, TYPE_PATH, true, NULL,
		"The file, relative to this one and in the policy's folder or below.", NULL},
	{0},
};
static const struct grammar_attribute network_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "How rules call it.", NULL},
	{ATTRIBUTE_ADDRESSES, TYPE_ADDRESSES, true, NULL, "Addresses, prefixes and ranges.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute group_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "How rules call it, and who fills it.", NULL},
	{ATTRIBUTE_ADDRESSES, TYPE_ADDRESSES, false, NULL, "Members that are always there.", NULL},
	{ATTRIBUTE_FILLED_BY, TYPE_CHOICE, false, "directory",
		"Who adds members: a directory, to which a delegation grants it, or nobody but home.",
		"directory home"},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute delegation_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "What people call it.", NULL},
	{ATTRIBUTE_AUTHORITY, TYPE_CHOICE, true, NULL,
		"The part that the key plays: a responder answers alarms by rules that forbid, for a "
		"while; a directory fills groups and gives keys and answers.",
		"responder directory"},
	{ATTRIBUTE_CERTIFICATE, TYPE_BASE64, true, NULL,
		"Of the key that it is lent to: what stands between BEGIN CERTIFICATE and END "
		"CERTIFICATE in the file.",
		NULL},
	{ATTRIBUTE_FOR, TYPE_ROLES, false, NULL,
		"Only at nodes that have one of these roles, themselves or an interface; else at all.",
		NULL},
	{ATTRIBUTE_VALID, TYPE_DURATION, false, "7d",
		"From the making of the policy on; nothing signed under it is accepted after. It "
		"cannot be called back from a node that hears nobody.",
		NULL},
	{ATTRIBUTE_LONGEST, TYPE_DURATION, false, NULL,
		"How long a set or an answer under it may last.", NULL},
	{ATTRIBUTE_MOST_NODES, TYPE_NUMBER, false, NULL,
		"At so many nodes at a time a responder's sets may be in force.", NULL},
	{ATTRIBUTE_MOST_RULES, TYPE_NUMBER, false, NULL, "So many rules a set of it may have.",
		NULL},
	{ATTRIBUTE_ISOLATE, TYPE_YES_NO, false, "no",
		"A responder may put a node in quarantine, and not only forbid flows.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute never_attributes[] = {
	{ATTRIBUTE_NODE, TYPE_NAMES, false, NULL, "Not these nodes.", NULL},
	{ATTRIBUTE_ROLE, TYPE_ROLES, false, NULL, "Nor nodes with one of these roles.", NULL},
	{ATTRIBUTE_ADDRESSES, TYPE_PEERS, false, NULL,
		"Nor flows of these networks, nodes and addresses.", NULL},
	{0},
};
static const struct grammar_attribute sensor_attributes[] = {
	{ATTRIBUTE_ROLE, TYPE_ROLE, true, NULL, "Role that a sensor must have.", NULL},
	{ATTRIBUTE_KIND, TYPE_NAME, false, NULL, "Kind of the alerts; else any.", NULL},
	{ATTRIBUTE_LEAST, TYPE_NUMBER, false, "1", "So many sensors must say the same.", NULL},
	{0},
};
static const struct grammar_attribute response_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "What people call it.", NULL},
	{ATTRIBUTE_ACTION, TYPE_CHOICE, true, NULL,
		"Quarantine the node that the alert is about; have its source dropped at the nodes "
		"below; or only tell people.",
		"isolate block tell"},
	{ATTRIBUTE_KIND, TYPE_NAME, false, NULL, "Kind of the alerts; else any.", NULL},
	{ATTRIBUTE_SENSOR, TYPE_ROLE, false, NULL,
		"Role of the sensors; else any that may be heard.", NULL},
	{ATTRIBUTE_LEAST, TYPE_NUMBER, false, "1", "So many of them must say the same within the time below.", NULL},
	{ATTRIBUTE_WITHIN, TYPE_DURATION, false, "60s", "The time within which they must say it.", NULL},
	{ATTRIBUTE_SEVERITY, TYPE_CHOICE, false, "notice", "And it must be as bad as this.",
		"notice warning critical"},
	{ATTRIBUTE_ROLES, TYPE_ROLES, false, NULL,
		"Of block: at nodes and interfaces that have all of these roles.", NULL},
	{ATTRIBUTE_FOR, TYPE_DURATION, true, NULL, "How long it lasts.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute grant_attributes[] = {
	{ATTRIBUTE_GROUP, TYPE_NAME_OR_ALL, false, NULL,
		"Fill this group; * is any that the policy has.", NULL},
	{ATTRIBUTE_PEER, TYPE_NAME_OR_ALL, false, NULL, "Or give keys to this peer of IKE.", NULL},
	{ATTRIBUTE_ANSWER, TYPE_NAME_OR_ALL, false, NULL,
		"Or answer questions about this protection.", NULL},
	{ATTRIBUTE_SA_KEYS, TYPE_NAME_OR_ALL, false, NULL,
		"Or give keys of associations in answers about this protection.", NULL},
	{ATTRIBUTE_BINDING, TYPE_NAME_OR_ALL, false, NULL,
		"Or bind the keys of this node to its assignment.", NULL},
	{ATTRIBUTE_MOST, TYPE_NUMBER, false, NULL,
		"So many members, keys or bindings at a time; else any number.", NULL},
	{ATTRIBUTE_ADDRESSES, TYPE_PEERS, false, NULL,
		"Within these networks and addresses; without any, none.", NULL},
	{0},
};
static const struct grammar_attribute admission_attributes[] = {
	{ATTRIBUTE_GROUP, TYPE_NAME, true, NULL,
		"The group that nodes become members of by obeying; it must be granted.", NULL},
	{ATTRIBUTE_ROLE, TYPE_ROLE, false, NULL, "Nodes with this role; else any.", NULL},
	{ATTRIBUTE_CONDITION, TYPE_CHOICE, false, "current",
		"A node's newest report must be of the newest policy, or of any that is valid.",
		"current known"},
	{ATTRIBUTE_GRACE, TYPE_DURATION, false, "60s",
		"It stays a member so long after it is gone, or behind.", NULL},
	{0},
};
static const struct grammar_attribute member_attributes[] = {
	{ATTRIBUTE_GROUP, TYPE_NAME, true, NULL, "The group.", NULL},
	{ATTRIBUTE_ADDRESSES, TYPE_PEERS, true, NULL, "Who is in it then besides those that home names.", NULL},
	{0},
};
static const struct grammar_attribute service_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "How rules call it.", NULL},
	{ATTRIBUTE_TCP, TYPE_PORTS, false, NULL, "TCP ports of the side that is called.", NULL},
	{ATTRIBUTE_UDP, TYPE_PORTS, false, NULL, "UDP ports of the side that is called.", NULL},
	{ATTRIBUTE_ICMP, TYPE_ICMP, false, NULL, "ICMP types, or types and codes (3/1).", NULL},
	{ATTRIBUTE_ICMPV6, TYPE_ICMP, false, NULL, "ICMPv6 types, or types and codes.", NULL},
	{ATTRIBUTE_PROTOCOL, TYPE_PROTOCOLS, false, NULL, "IP protocols as a whole.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute role_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_ROLE, true, NULL, "How nodes, interfaces and rules call it.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute node_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NODE_NAME, true, NULL,
		"How rules call it, and its PEPID: what it calls itself before its decision point.",
		NULL},
	{ATTRIBUTE_KEY, TYPE_PIN, false, NULL,
		"Pin of the key that it uses to its decision point. Without one the node is only "
		"a name for its addresses, and nothing is compiled for it.",
		NULL},
	{ATTRIBUTE_REPORT, TYPE_PIN, false, NULL, "Pin of the key that signs its reports.", NULL},
	{ATTRIBUTE_SEAL, TYPE_PIN, false, NULL,
		"Pin of the key of its enforcer that secrets are sealed to.", NULL},
	{ATTRIBUTE_ROLES, TYPE_ROLES, false, NULL,
		"Roles of the node as a whole; forward rules are those of these roles.", NULL},
	{ATTRIBUTE_ADDRESS, TYPE_SINGLES, false, NULL, "Its addresses.", NULL},
	{ATTRIBUTE_GUARDIAN, TYPE_NODE_NAME, false, NULL,
		"Of a node that cannot protect itself and has no key: the node through which it is "
		"reached, and which enforces the rules of its roles when it passes packets on.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute interface_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_INTERFACE, true, NULL,
		"Its name at the node; * is every interface that is not named.", NULL},
	{ATTRIBUTE_ROLES, TYPE_ROLES_OR_NONE, true, NULL,
		"Its roles. An interface without roles drops everything.", NULL},
	{ATTRIBUTE_ADDRESS, TYPE_SINGLES, false, NULL, "The node's addresses there.", NULL},
	{0},
};
static const struct grammar_attribute protection_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "How rules call it.", NULL},
	{ATTRIBUTE_MODE, TYPE_CHOICE, false, "transport",
		"From end to end, or in a tunnel to the gateway that the rule names.",
		"transport tunnel"},
	{ATTRIBUTE_DEMAND, TYPE_CHOICE, false, "required",
		"Without protection nothing passes; or, preferred, it passes in clear as long as "
		"the peer cannot do better.",
		"required preferred"},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute ike_attributes[] = {
	{ATTRIBUTE_ENCRYPTION, TYPE_ENCRYPTION, false, "aes256gcm16", "Cipher.", NULL},
	{ATTRIBUTE_INTEGRITY, TYPE_INTEGRITY, false, NULL,
		"Integrity, only with a cipher that has none of its own; then sha384 if it is "
		"left out.",
		NULL},
	{ATTRIBUTE_PRF, TYPE_INTEGRITY, false, "sha384", "Pseudo-random function.", NULL},
	{ATTRIBUTE_GROUP, TYPE_GROUP, false, "ecp384", "Key exchange.", NULL},
	{ATTRIBUTE_AUTHENTICATION, TYPE_CHOICE, false, "key",
		"By bare keys that the policy names, by certificates, or by a shared secret.",
		"key certificate secret"},
	{ATTRIBUTE_LIFETIME, TYPE_DURATION, false, "8h", "Then new keys are agreed upon.", NULL},
	{ATTRIBUTE_OLD, TYPE_YES_NO, false, "no", "Allows algorithms that are no longer good.",
		NULL},
	{0},
};
static const struct grammar_attribute esp_attributes[] = {
	{ATTRIBUTE_ENCRYPTION, TYPE_ENCRYPTION, false, "aes256gcm16", "Cipher.", NULL},
	{ATTRIBUTE_INTEGRITY, TYPE_INTEGRITY, false, NULL,
		"Integrity, only with a cipher that has none of its own; then sha384 if it is "
		"left out.",
		NULL},
	{ATTRIBUTE_GROUP, TYPE_GROUP, false, "ecp384",
		"Key exchange when keys are renewed (perfect forward secrecy).", NULL},
	{ATTRIBUTE_ESN, TYPE_YES_NO, false, "yes", "Sequence numbers of 64 bits.", NULL},
	{ATTRIBUTE_LIFETIME, TYPE_DURATION, false, "1h", "Then new keys are agreed upon.", NULL},
	{ATTRIBUTE_OLD, TYPE_YES_NO, false, "no", "Allows algorithms that are no longer good.",
		NULL},
	{0},
};
static const struct grammar_attribute schedule_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL, "How rules call it.", NULL},
	{ATTRIBUTE_ZONE, TYPE_ZONE, false, "UTC",
		"Whose clock its periods mean: a time zone such as Europe/Berlin, UTC, or local, the "
		"node's own.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};
static const struct grammar_attribute period_attributes[] = {
	{ATTRIBUTE_FROM, TYPE_MOMENT, false, NULL,
		"Not before this date (2026-03-01), or moment (2026-03-01T08:00).", NULL},
	{ATTRIBUTE_UNTIL, TYPE_MOMENT, false, NULL,
		"Not after this date, which is the last one; or not from this moment on.", NULL},
	{ATTRIBUTE_MONTHS, TYPE_MONTHS, false, NULL, "Months: jan, mar-may.", NULL},
	{ATTRIBUTE_WEEKDAYS, TYPE_WEEKDAYS, false, NULL, "Days of the week: sat, mon-fri.", NULL},
	{ATTRIBUTE_DAYS, TYPE_DAYS, false, NULL, "Days of the month: 1, 1-7.", NULL},
	{ATTRIBUTE_DAYS_FROM_END, TYPE_DAYS, false, NULL,
		"Days of the month counted from its end; 1 is the last. With days, either will do.",
		NULL},
	{ATTRIBUTE_TIMES, TYPE_TIMES, false, NULL,
		"Time of the day, without its end: 08:00-18:00. Over midnight (22:00-06:00) it is "
		"before and after midnight of the days selected.",
		NULL},
	{0},
};
static const struct grammar_attribute offer_attributes[] = {
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL,
		"What somebody says to switch it on. An offer goes on where another one has its "
		"name, and nothing else is said there.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL,
		"What it does, in a sentence for somebody who knows nothing of networks. It has to "
		"be said.",
		NULL},
	{ATTRIBUTE_FOR, TYPE_DURATION, false, NULL,
		"How long it may be on at a time; else until it is switched off.", NULL},
	{ATTRIBUTE_USUAL, TYPE_DURATION, false, NULL,
		"How long it is on if nobody says; else as long as it may.", NULL},
	{ATTRIBUTE_ACROSS_BOOT, TYPE_YES_NO, false, "no",
		"It stays on when the node starts anew within its time.", NULL},
	{0},
};
static const struct grammar_attribute rules_attributes[] = {
	{ATTRIBUTE_FOR, TYPE_ROLES_OR_ALL, false, NULL,
		"Roles; who has one of them has these rules. * is everybody, in what is not "
		"home's.",
		NULL},
	{ATTRIBUTE_HAVING, TYPE_CHOICE, false, "any",
		"Or only who has exactly these roles, no more and no fewer. With node: these nodes "
		"have for these roles nothing but what stands here, nothing of their wards either.",
		"any exactly"},
	{ATTRIBUTE_NODE, TYPE_NAMES, false, NULL,
		"Instead of roles, nodes that have these rules for themselves, before those of "
		"their roles.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};

#define RULE_ATTRIBUTES                                                                            \
	{ATTRIBUTE_NAME, TYPE_NAME, false, NULL,                                                   \
		"How logs and reports call it; else the role and its number there: host-3.",       \
		NULL},                                                                             \
		{ATTRIBUTE_IN, TYPE_YES_NO, false, "no", "What others start towards the node.",    \
			NULL},                                                                     \
		{ATTRIBUTE_OUT, TYPE_YES_NO, false, "no", "What the node starts.", NULL},          \
		{ATTRIBUTE_FORWARD, TYPE_YES_NO, false, "no", "What passes through the node.",     \
			NULL},                                                                     \
		{ATTRIBUTE_BOTH, TYPE_YES_NO, false, "no",                                         \
			"The rule for what goes out, and its mirror (addresses and ports change "  \
			"places) for what comes in.",                                              \
			NULL},                                                                     \
		{ATTRIBUTE_FROM, TYPE_PEERS, false, "any",                                         \
			"Who starts: networks, nodes, roles (the nodes that have one), "           \
			"addresses.",                                                              \
			NULL},                                                                     \
		{ATTRIBUTE_EXCEPT_FROM, TYPE_PEERS, false, NULL, "But not from these.", NULL},     \
		{ATTRIBUTE_TO, TYPE_PEERS, false, "any", "Who is called, in the same way.", NULL}, \
		{ATTRIBUTE_EXCEPT_TO, TYPE_PEERS, false, NULL, "But not to these.", NULL},         \
		{ATTRIBUTE_SERVICE, TYPE_NAMES, false, NULL, "Services; any, if left out.", NULL}, \
		{ATTRIBUTE_DSCP, TYPE_DSCPS, false, NULL,                                          \
			"Differentiated services code points: numbers, or names such as ef and "   \
			"af41.",                                                                   \
			NULL},                                                                     \
		{ATTRIBUTE_IN_ROLE, TYPE_ROLE, false, NULL,                                        \
			"Of a forward rule: a role of the interface it comes from.", NULL},        \
		{ATTRIBUTE_OUT_ROLE, TYPE_ROLE, false, NULL,                                       \
			"Of a forward rule: a role of the interface it goes to.", NULL},           \
		{ATTRIBUTE_WHEN, TYPE_NAME, false, NULL,                                           \
			"The schedule: at other times the rule is not there.", NULL},              \
		{ATTRIBUTE_LOG, TYPE_YES_NO, false, "no", "Write a line for each flow.", NULL},    \
		{ATTRIBUTE_SHADOW, TYPE_YES_NO, false, "no",                                       \
			"Only count, and log if the rule says so: the next rules decide. So a "    \
			"rule can be tried on real traffic.",                                      \
			NULL},                                                                     \
	{                                                                                          \
		ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL            \
	}

/* Of what lets flows pass. */
#define PASS_ATTRIBUTES                                                                            \
	{ATTRIBUTE_STATEFUL, TYPE_YES_NO, false, "yes",                                            \
		"Answers pass too. Without, each direction needs its rule.", NULL},                \
		{ATTRIBUTE_RATE, TYPE_RATE, false, NULL,                                           \
			"So many flows may begin in a second, minute, hour or day: 10/minute. "    \
			"What begins beyond is dropped.",                                          \
			NULL},                                                                     \
		{ATTRIBUTE_BURST, TYPE_NUMBER, false, NULL,                                        \
			"So many may begin at once before the rate counts; else as many as its "   \
			"number.",                                                                 \
			NULL},                                                                     \
		{ATTRIBUTE_RATE_FOR, TYPE_CHOICE, false, "rule",                                   \
			"For what the rate counts: all flows of the rule, or each source or "      \
			"destination (of IPv6 its first 64 bits).",                                \
			"rule source destination"},                                                \
		{ATTRIBUTE_CONNECTIONS, TYPE_NUMBER, false, NULL,                                  \
			"So many flows may be there at a time; what begins beyond is dropped.",    \
			NULL},                                                                     \
	{                                                                                          \
		ATTRIBUTE_CONNECTIONS_FOR, TYPE_CHOICE, false, "rule",                             \
			"For what that number counts, in the same way.",                           \
			"rule source destination"                                                  \
	}

static const struct grammar_attribute allow_attributes[] = {
	RULE_ATTRIBUTES, PASS_ATTRIBUTES, {0}};
static const struct grammar_attribute deny_attributes[] = {RULE_ATTRIBUTES, {0}};
static const struct grammar_attribute protect_attributes[] = {
	RULE_ATTRIBUTES,
	PASS_ATTRIBUTES,
	{ATTRIBUTE_WITH, TYPE_NAMES, true, NULL,
		"The protection; of several the first that succeeds.", NULL},
	{ATTRIBUTE_VIA, TYPE_GATEWAY, false, NULL,
		"Where the tunnel ends: a node with one address, or an address. Rules of nodes with "
		"a guardian may leave it out: then it is the guardian of the other end, or that end "
		"itself.",
		NULL},
	{0},
};
static const struct grammar_attribute list_attributes[] = {
	{ATTRIBUTE_OF, TYPE_LISTED, true, NULL, "The class of its rows.", NULL},
	{ATTRIBUTE_NAME, TYPE_NAME, true, NULL,
		"How other rows call it; of two classes two lists may have the same name.", NULL},
	{ATTRIBUTE_NUMBER, TYPE_INSTANCE, false, NULL,
		"The number of its TagId within the set's block; a free one, if left out.", NULL},
	{0},
};
static const struct grammar_attribute row_attributes[] = {
	{ATTRIBUTE_ID, TYPE_NAME, false, NULL, "How other rows call it.", NULL},
	{ATTRIBUTE_NUMBER, TYPE_INSTANCE, false, NULL,
		"The number of its InstanceId within the set's block; a free one, if left out.",
		NULL},
	{ATTRIBUTE_OLD, TYPE_YES_NO, false, "no",
		"Allows what is no longer good: old algorithms, IKEv1, AH, keys without perfect "
		"forward secrecy.",
		NULL},
	{0},
};
static const struct grammar_attribute expect_attributes[] = {
	{ATTRIBUTE_VERDICT, TYPE_VERDICT, true, NULL,
		"allow, deny, protect, or protect and the name of a protection.", NULL},
	{ATTRIBUTE_ROLE, TYPE_ROLE, false, NULL,
		"At each node and interface that has this role. In a policy that is not home's: by "
		"the rules for this role; without it, by those for everybody.",
		NULL},
	{ATTRIBUTE_NODE, TYPE_NODE_NAME, false, NULL, "At this node, on each of its interfaces.",
		NULL},
	{ATTRIBUTE_IN, TYPE_YES_NO, false, "no", "What comes to the node.", NULL},
	{ATTRIBUTE_OUT, TYPE_YES_NO, false, "no", "What the node starts.", NULL},
	{ATTRIBUTE_FORWARD, TYPE_YES_NO, false, "no", "What passes through it.", NULL},
	{ATTRIBUTE_FROM, TYPE_PEERS, false, "any", "As in rules.", NULL},
	{ATTRIBUTE_TO, TYPE_PEERS, false, "any", "As in rules.", NULL},
	{ATTRIBUTE_SERVICE, TYPE_NAMES, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_DSCP, TYPE_DSCPS, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_IN_ROLE, TYPE_ROLE, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_OUT_ROLE, TYPE_ROLE, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_AT, TYPE_MOMENT, false, NULL,
		"When the clock of each schedule shows this: 2026-03-02T09:00. Else at any time.",
		NULL},
	{ATTRIBUTE_OFFERS, TYPE_NAMES, false, NULL,
		"The offers that are switched on; else none is.", NULL},
	{ATTRIBUTE_RULE, TYPE_NAME, false, NULL, "The name of the rule that has to decide.", NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};

static const struct grammar_attribute prove_attributes[] = {
	{ATTRIBUTE_AT_LEAST, TYPE_VERDICT, true, NULL,
		"deny: nothing of it passes. protect: nothing of it passes in clear. protect and the "
		"name of a protection: nothing of it passes without this one or a better one.",
		NULL},
	{ATTRIBUTE_FROM, TYPE_PEERS, false, "any", "As in rules.", NULL},
	{ATTRIBUTE_EXCEPT_FROM, TYPE_PEERS, false, NULL, "But not from these.", NULL},
	{ATTRIBUTE_TO, TYPE_PEERS, false, "any", "As in rules.", NULL},
	{ATTRIBUTE_EXCEPT_TO, TYPE_PEERS, false, NULL, "But not to these.", NULL},
	{ATTRIBUTE_SERVICE, TYPE_NAMES, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_DSCP, TYPE_DSCPS, false, NULL, "As in rules.", NULL},
	{ATTRIBUTE_IN, TYPE_YES_NO, false, "no", "What reaches a node.", NULL},
	{ATTRIBUTE_OUT, TYPE_YES_NO, false, "no",
		"What a node starts towards addresses that no node has.", NULL},
	{ATTRIBUTE_FORWARD, TYPE_YES_NO, false, "no",
		"What passes through a node between addresses that no node has. Without in, out and "
		"forward all three are meant.",
		NULL},
	{ATTRIBUTE_ABOUT, TYPE_TEXT, false, NULL, "A word for the reader.", NULL},
	{0},
};

#define PART_CHILDREN                                                                              \
	(HOLDS(ELEMENT_INCLUDE) | HOLDS(ELEMENT_ADMIT) | HOLDS(ELEMENT_NETWORK) | HOLDS(ELEMENT_GROUP) | HOLDS(ELEMENT_DELEGATION) |                  \
		HOLDS(ELEMENT_SERVICE) |                                                           \
		HOLDS(ELEMENT_ROLE) | HOLDS(ELEMENT_NODE) | HOLDS(ELEMENT_PROTECTION) |            \
		HOLDS(ELEMENT_SCHEDULE) | HOLDS(ELEMENT_RULES) | HOLDS(ELEMENT_PIB) |              \
		HOLDS(ELEMENT_TESTS))

#define RULES_CHILDREN (HOLDS(ELEMENT_ALLOW) | HOLDS(ELEMENT_DENY) | HOLDS(ELEMENT_PROTECT))

static const struct grammar_element elements[ELEMENT_KINDS] = {
	{ELEMENT_POLICY, "policy", "The whole policy of a tenant.", PART_CHILDREN,
		policy_attributes},
	{ELEMENT_PART, "part", "A part of a policy in a file of its own.", PART_CHILDREN,
		no_attributes},
	{ELEMENT_INCLUDE, "include", "Puts the contents of a part in its place.", 0,
		include_attributes},
	{ELEMENT_ADMIT, "admit",
		"Lets somebody besides home speak at its nodes, who can only make them stricter.", 0,
		admit_attributes},
	{ELEMENT_NETWORK, "network", "A name for addresses.", 0, network_attributes},
	{ELEMENT_GROUP, "group",
		"A name for addresses that come and go without a new policy. A rule counts for those "
		"that are in it at the moment.",
		0, group_attributes},
	{ELEMENT_SERVICE, "service", "A name for protocols and ports.", 0, service_attributes},
	{ELEMENT_ROLE, "role", "A role that nodes and interfaces play.", 0, role_attributes},
	{ELEMENT_NODE, "node",
		"A machine. Without interfaces, each of its interfaces has its roles.",
		HOLDS(ELEMENT_INTERFACE), node_attributes},
	{ELEMENT_INTERFACE, "interface", "An interface of the node.", 0, interface_attributes},
	{ELEMENT_PROTECTION, "protection",
		"A way of protecting flows. Several ike or esp are offered in their order; none "
		"means one with all defaults.",
		HOLDS(ELEMENT_IKE) | HOLDS(ELEMENT_ESP), protection_attributes},
	{ELEMENT_IKE, "ike", "A proposal for agreeing on keys (IKEv2).", 0, ike_attributes},
	{ELEMENT_ESP, "esp", "A proposal for protecting packets.", 0, esp_attributes},
	{ELEMENT_SCHEDULE, "schedule",
		"A name for times. It is on while one of its periods is and no exception.",
		HOLDS(ELEMENT_PERIOD) | HOLDS(ELEMENT_EXCEPT), schedule_attributes},
	{ELEMENT_PERIOD, "period", "Times at which all that it says holds.", 0, period_attributes},
	{ELEMENT_EXCEPT, "except", "Times at which the schedule is off all the same.", 0,
		period_attributes},
	{ELEMENT_RULES, "rules",
		"Rules in their order: the first that matches decides; what none matches is "
		"dropped.",
		RULES_CHILDREN | HOLDS(ELEMENT_OFFER) | HOLDS(ELEMENT_LIST) | HOLDS(ELEMENT_ROW),
		rules_attributes},
	{ELEMENT_OFFER, "offer",
		"Rules that are not there until somebody at the node switches them on.",
		RULES_CHILDREN, offer_attributes},
	{ELEMENT_ALLOW, "allow", "Lets flows and their answers pass in clear.", 0,
		allow_attributes},
	{ELEMENT_DENY, "deny", "Drops flows. Without a direction: in, out and forward.", 0,
		deny_attributes},
	{ELEMENT_PROTECT, "protect", "Lets flows pass under a protection.", 0, protect_attributes},
	{ELEMENT_DELEGATION, "delegation",
		"What home lends of its voice to a key that a decision point holds, and within which "
		"bounds; each node keeps to them itself.",
		HOLDS(ELEMENT_NEVER) | HOLDS(ELEMENT_SENSOR) | HOLDS(ELEMENT_RESPONSE) |
			HOLDS(ELEMENT_GRANT) | HOLDS(ELEMENT_ADMISSION),
		delegation_attributes},
	{ELEMENT_NEVER, "never", "Whom a responder must never touch.", 0, never_attributes},
	{ELEMENT_SENSOR, "sensor", "Whose alerts a responder may act on.", 0, sensor_attributes},
	{ELEMENT_RESPONSE, "response", "What a responder does on which alert.", 0,
		response_attributes},
	{ELEMENT_GRANT, "grant",
		"What a directory may say: one of group, peer, answer, sa-keys and binding.", 0,
		grant_attributes},
	{ELEMENT_ADMISSION, "admission", "Who gets into a group by obeying the policy.", 0,
		admission_attributes},
	{ELEMENT_PIB, "pib",
		"Rows and lists that the rows of rules name. Each set gets those that its own lead "
		"to.",
		HOLDS(ELEMENT_LIST) | HOLDS(ELEMENT_ROW), no_attributes},
	{ELEMENT_LIST, "list",
		"Rows that have a tag in common, in their order. A list of addresses or ports may be "
		"empty.",
		HOLDS(ELEMENT_ROW), list_attributes},
	{ELEMENT_ROW, "", "A row of a class of the PIBs.", HOLDS(ELEMENT_EXTENSION),
		row_attributes},
	{ELEMENT_EXTENSION, "", "A row of a class that extends another.", 0, no_attributes},
	{ELEMENT_TESTS, "tests", "What must be true of the policy.", HOLDS(ELEMENT_EXPECT) | HOLDS(ELEMENT_PROVE),
		no_attributes},
	{ELEMENT_EXPECT, "expect", "A verdict that all of these flows must get.", HOLDS(ELEMENT_MEMBER),
		expect_attributes},
	{ELEMENT_MEMBER, "member",
		"Members of a group in this test; without, those that home names.", 0,
		member_attributes},
	{ELEMENT_PROVE, "prove",
		"What these flows get at least, whichever nodes they come from, pass and reach.", 0,
		prove_attributes},
};

const struct grammar_element *grammar_element(enum element_kind kind)
{
	return &elements[kind];
}

const char *grammar_attribute_name(enum attribute_id id)
{
	return attribute_names[id];
}

/* A word of the kinds that have a parser; the result is not kept. */
static enum err check_word(enum grammar_type type, struct view word, struct error *e)
{
	struct address_range address;
	struct port_range ports;
	struct icmp_match icmp;
	uint8_t protocol;
	uint32_t number, unit;
	int64_t moment;
	struct error ignored;

	switch (type) {
	case TYPE_NAME_OR_ALL:
		if (view_equal(word, view_of_string("*")))
			return E_OK;
		return parse_name(word, NAME_LENGTH_MAX, e);
	case TYPE_NAME:
	case TYPE_NAMES:
	case TYPE_NODE_NAME:
		return parse_name(word, NAME_LENGTH_MAX, e);
	case TYPE_ROLE:
	case TYPE_ROLES:
	case TYPE_ROLES_OR_NONE:
		return parse_name(word, ROLE_LENGTH_MAX, e);
	case TYPE_ROLES_OR_ALL:
		return view_equal(word, view_of_string("*"))
			       ? E_OK
			       : parse_name(word, ROLE_LENGTH_MAX, e);
	case TYPE_ADDRESSES:
		return parse_address(word, &address, e);
	case TYPE_SINGLES:
		if (parse_address(word, &address, &ignored) || !address_is_single(&address))
			return error_set(e, E_SYNTAX, "\"%.*s\" is not an address",
				(int)(word.len > 60 ? 60 : word.len), (const char *)word.data);
		return E_OK;
	case TYPE_PEERS:
	case TYPE_GATEWAY:
		/* What begins like a name and has no colon is one. */
		if (!parse_name(word, NAME_LENGTH_MAX, e))
			return E_OK;
		if (word.len &&
			(memchr(word.data, ':', word.len) || strchr("0123456789", *word.data)))
			return check_word(
				type == TYPE_PEERS ? TYPE_ADDRESSES : TYPE_SINGLES, word, e);
		return e->code;
	case TYPE_PORTS:
		return view_equal(word, view_of_string("any")) ? E_OK
							       : parse_ports(word, &ports, e);
	case TYPE_ICMP:
		return parse_icmp(word, &icmp, e);
	case TYPE_PROTOCOLS:
		return parse_protocol(word, &protocol, e);
	case TYPE_DURATION:
		return parse_duration(word, &number, e);
	case TYPE_INSTANCE:
		return row_check_instance(word, e);
	case TYPE_LISTED:
		return row_check_listed(word, e);
	case TYPE_NUMBER:
		return parse_count(word, &number, e);
	case TYPE_RATE:
		return parse_rate(word, &number, &unit, e);
	case TYPE_DSCPS:
		return parse_dscp(word, &protocol, e);
	case TYPE_MOMENT:
		return parse_moment(word, false, &moment, e);
	case TYPE_TIMES:
		return parse_times(word, &number, &unit, e);
	case TYPE_MONTHS:
		return parse_months(word, &number, e);
	case TYPE_WEEKDAYS:
		return parse_weekdays(word, &number, e);
	case TYPE_DAYS:
		return parse_days(word, &number, e);
	case TYPE_ZONE:
		return parse_zone(word, e);
	default:
		return E_OK;
	}
}

bool grammar_is_list(enum grammar_type type)
{
	switch (type) {
	case TYPE_NAMES:
	case TYPE_ROLES:
	case TYPE_ROLES_OR_NONE:
	case TYPE_ROLES_OR_ALL:
	case TYPE_ADDRESSES:
	case TYPE_SINGLES:
	case TYPE_PEERS:
	case TYPE_PORTS:
	case TYPE_ICMP:
	case TYPE_PROTOCOLS:
	case TYPE_DSCPS:
	case TYPE_MONTHS:
	case TYPE_WEEKDAYS:
	case TYPE_DAYS:
		return true;
	default:
		return false;
	}
}

static bool is_choice(const char *choices, struct view word)
{
	struct view rest = view_of_string(choices), next;

	while ((next = next_word(&rest)).len)
		if (view_equal(next, word))
			return true;
	return false;
}

static void put_choices(const char *choices, struct buffer *out)
{
	struct view rest = view_of_string(choices), next;
	const char *between = "";

	while ((next = next_word(&rest)).len) {
		buffer_put_text(out, "%s", between);
		buffer_put_view(out, next);
		between = ", ";
	}
}

static enum err check_choice(const char *choices, struct view word, struct error *e)
{
	struct buffer names;

	if (is_choice(choices, word))
		return E_OK;
	buffer_init(&names, 400);
	put_choices(choices, &names);
	error_set(e, E_UNKNOWN, "\"%.*s\" is not one of %s", (int)(word.len > 60 ? 60 : word.len),
		(const char *)word.data, buffer_string(&names));
	buffer_fini(&names);
	return E_UNKNOWN;
}

static enum err check_algorithm(enum algorithm_kind kind, struct view word, struct error *e)
{
	struct buffer names;

	if (algorithm_find(kind, word))
		return E_OK;
	buffer_init(&names, 400);
	algorithm_names(kind, &names);
	error_set(e, E_UNKNOWN, "\"%.*s\" is not one of %s", (int)(word.len > 60 ? 60 : word.len),
		(const char *)word.data, buffer_string(&names));
	buffer_fini(&names);
	return E_UNKNOWN;
}

static enum err check_interface(struct view value, struct error *e)
{
	bool good = value.len > 0 && value.len <= INTERFACE_LENGTH_MAX;

	/* What Linux allows (dev_valid_name), and no control characters. */
	for (size_t i = 0; good && i < value.len; i++)
		good = value.data[i] > ' ' && value.data[i] < 0x7f && !strchr("/:", value.data[i]);
	if (view_equal(value, view_of_string(".")) || view_equal(value, view_of_string("..")))
		good = false;
	return good ? E_OK
		    : error_set(e, E_SYNTAX, "\"%.*s\" is not the name of an interface",
			      (int)(value.len > 60 ? 60 : value.len), (const char *)value.data);
}

static enum err check_path(const char *value, struct error *e)
{
	if (*value && *value != '/')
		return E_OK;
	return error_set(
		e, E_SYNTAX, "\"%.60s\" is not the path of a file, relative to this one", value);
}

/* "allow", "deny", "protect" and perhaps a name. */
static enum err check_verdict(struct view value, struct error *e)
{
	struct view rest = value, word = next_word(&rest), name = next_word(&rest);
	bool protect = view_equal(word, view_of_string("protect"));

	if (check_choice("allow deny protect", word, e))
		return e->code;
	if (name.len == 0)
		return E_OK;
	if (!protect || next_word(&rest).len)
		return error_set(e, E_SYNTAX,
			"after the verdict only the name of a protection may stand, and that "
			"only after protect");
	return parse_name(name, NAME_LENGTH_MAX, e);
}

static enum err check_single(
	const struct grammar_attribute *rule, const char *text, struct error *e)
{
	struct view value = view_of_string(text);
	struct pin pin;

	switch (rule->type) {
	case TYPE_TEXT:
		return value.len <= TEXT_LENGTH_MAX
			       ? E_OK
			       : error_set(e, E_LENGTH, "longer than %d octets", TEXT_LENGTH_MAX);
	case TYPE_INTERFACE:
		return check_interface(value, e);
	case TYPE_PATH:
		return check_path(text, e);
	case TYPE_PIN:
		return pin_parse(text, &pin, e);
	case TYPE_BASE64:
		return parse_base64(value, NULL, e);
	case TYPE_YES_NO:
		return check_choice("yes no", value, e);
	case TYPE_CHOICE:
		return check_choice(rule->choices, value, e);
	case TYPE_ENCRYPTION:
		return check_algorithm(ALGORITHM_ENCRYPTION, value, e);
	case TYPE_INTEGRITY:
		return check_algorithm(ALGORITHM_INTEGRITY, value, e);
	case TYPE_GROUP:
		return check_algorithm(ALGORITHM_GROUP, value, e);
	case TYPE_VERDICT:
		return check_verdict(value, e);
	default:
		return check_word(rule->type, value, e);
	}
}

/* True if the value is well written. */
static bool check_value(
	const struct grammar_attribute *rule, const struct attribute *a, struct diagnostics *d)
{
	struct view rest = view_of_string(a->value), word;
	size_t words = 0, errors = d->errors;
	struct error e;

	if (!grammar_is_list(rule->type)) {
		if (check_single(rule, a->value, &e))
			report_error(d, a->value_at, "%s", e.text);
		return d->errors == errors;
	}
	while ((word = next_word(&rest)).len) {
		if (++words > WORDS_MAX) {
			report_error(d, a->value_at, "more than %d words", WORDS_MAX);
			return false;
		}
		if (check_word(rule->type, word, &e))
			report_error(d,
				attribute_place(a, (size_t)(word.data - (const uint8_t *)a->value),
					word.len),
				"%s", e.text);
	}
	if (words == 0 && rule->type != TYPE_ROLES_OR_NONE)
		report_error(d, a->value_at, "%s is empty", a->name);
	return d->errors == errors;
}

static const struct grammar_attribute *find_rule(
	const struct grammar_element *rule, const char *name)
{
	for (const struct grammar_attribute *a = rule->attributes; a->about; a++)
		if (strcmp(attribute_names[a->id], name) == 0)
			return a;
	return NULL;
}

static void put_attribute_names(const struct grammar_element *rule, struct buffer *out)
{
	const char *between = "";

	for (const struct grammar_attribute *a = rule->attributes; a->about; a++) {
		buffer_put_text(out, "%s%s", between, attribute_names[a->id]);
		between = ", ";
	}
}

static void check_attributes(struct element *el, struct diagnostics *d)
{
	const struct grammar_element *rule = el->rule;
	struct buffer names;
	bool good = true;

	for (size_t i = 0; i < el->attribute_count; i++) {
		struct attribute *a = &el->attributes[i];
		const struct grammar_attribute *r = find_rule(rule, a->name);

		if (!r && row_has_attribute(el, a)) {
			good = row_check_attribute(a, d) && good;
			continue;
		}
		if (!r) {
			buffer_init(&names, 400);
			put_attribute_names(rule, &names);
			row_put_attribute_names(el, &names);
			report_error(d, a->name_at, "<%s> has no attribute \"%s\"%s%s", el->name,
				a->name, names.len ? "; there are " : "", buffer_string(&names));
			buffer_fini(&names);
			continue;
		}
		if (check_value(r, a, d))
			a->rule = r;
		else
			good = false;
	}
	for (const struct grammar_attribute *r = rule->attributes; r->about; r++) {
		bool given = !r->required;

		for (size_t i = 0; i < el->attribute_count; i++)
			given = given ||
				strcmp(el->attributes[i].name, attribute_names[r->id]) == 0;
		if (!given) {
			report_error(d, el->at, "<%s> needs the attribute %s", el->name,
				attribute_names[r->id]);
			good = false;
		}
	}
	el->faulty = !row_check_required(el, d) || !good;
}

static const struct grammar_element *find_element(const char *name)
{
	for (size_t i = 0; i < ELEMENT_KINDS; i++)
		if (*name && strcmp(elements[i].name, name) == 0)
			return &elements[i];
	return NULL;
}

static void put_children(const struct grammar_element *rule, struct buffer *out)
{
	const char *between = "";

	for (size_t i = 0; i < ELEMENT_KINDS; i++)
		if (rule->children & HOLDS(i) && *elements[i].name) {
			buffer_put_text(out, "%s<%s>", between, elements[i].name);
			between = ", ";
		}
	if (rule->children & (HOLDS(ELEMENT_ROW) | HOLDS(ELEMENT_EXTENSION)))
		buffer_put_text(out, "%srows of the PIBs' classes", between);
}

/* Leaves el->rule NULL if it may not stand in `parent`. */
static void check_element(
	struct element *el, const struct grammar_element *parent, struct diagnostics *d)
{
	const struct grammar_element *rule = find_element(el->name);
	struct buffer names;

	if (!rule && (el->class = class_of_element(el->name))) {
		rule = &elements[class_extends(el->class) ? ELEMENT_EXTENSION : ELEMENT_ROW];
		if (!row_may_stand(el, d))
			return;
	}
	if (!rule || !(parent->children & HOLDS(rule->kind))) {
		buffer_init(&names, 400);
		put_children(parent, &names);
		report_error(d, el->at, "<%s> %s in <%s>%s%s", el->name,
			rule ? "may not stand" : "is not known", el->parent->name,
			names.len ? "; there may be " : "", buffer_string(&names));
		buffer_fini(&names);
		return;
	}
	el->rule = rule;
	check_attributes(el, d);
}

void grammar_check(struct element *root, struct diagnostics *d)
{
	struct element *el = root;

	if (strcmp(root->name, elements[ELEMENT_POLICY].name) != 0) {
		report_error(d, root->at, "the root of a policy is <policy>, not <%s>", root->name);
		return;
	}
	root->rule = &elements[ELEMENT_POLICY];
	check_attributes(root, d);
	/* Depth first, without recursion; what may not stand here is passed over whole. */
	for (;;) {
		if (el->rule && el->first_child) {
			el = el->first_child;
		} else {
			while (el != root && !el->next)
				el = el->parent;
			if (el == root)
				return;
			el = el->next;
		}
		check_element(el, el->parent->rule, d);
	}
}

const struct attribute *element_attribute(const struct element *el, enum attribute_id id)
{
	for (size_t i = 0; i < el->attribute_count; i++)
		if (el->attributes[i].rule && el->attributes[i].rule->id == id)
			return &el->attributes[i];
	return NULL;
}

const char *element_value(const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	if (a)
		return a->value;
	for (const struct grammar_attribute *r = el->rule ? el->rule->attributes : no_attributes;
		r->about; r++)
		if (r->id == id)
			return r->initial;
	return NULL;
}

bool element_yes(const struct element *el, enum attribute_id id)
{
	const char *value = element_value(el, id);

	return value && strcmp(value, "yes") == 0;
}

struct place element_place(const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	return a ? a->value_at : el->at;
}
