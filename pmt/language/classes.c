/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/classes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pib/set/envelope.h"
#include "pib/store/reference.h"

/* Today's good practice, and what does nothing. */
static const struct good {
	enum pib_class_id class;
	uint8_t attribute;
	struct absence absence;
} good[] = {
#define VALUE(class, attribute, value) {PIB_##class, class##attribute, {ABSENT_VALUE, value, 0}}
#define OTHER(class, attribute, kind, other)                                                       \
	{PIB_##class, class##attribute, {kind, NULL, class##other}}
	VALUE(ipSecRule, IfCapSetName, "ipsec"),
	{PIB_ipSecRule, ipSecRuleRoles, {ABSENT_ROLES, NULL, 0}},
	VALUE(ipSecRule, ActionExecutionStrategy, "doAll"),
	VALUE(ipSecRule, LimitNegotiation, "both"),
	VALUE(ipSecRule, AutoStart, "false"),
	VALUE(ipSecActionSet, DoActionLogging, "false"),
	VALUE(ipSecActionSet, DoPacketLogging, "false"),
	VALUE(ipSecStaticAction, DfHandling, "copy"),
	VALUE(ipSecStaticAction, Spi, "0"),
	VALUE(ipSecStaticAction, LifetimeSeconds, "0"),
	VALUE(ipSecStaticAction, LifetimeKilobytes, "0"),
	VALUE(ipSecNegotiationAction, Action, "transport"),
	VALUE(ipSecNegotiationAction, DfHandling, "copy"),
	VALUE(copsecNegotiationAction, Demand, "required"),
	VALUE(ipSecAssociation, MinLifetimeSeconds, "0"),
	VALUE(ipSecAssociation, MinLifetimeKilobytes, "0"),
	VALUE(ipSecAssociation, IdleDurationSeconds, "0"),
	VALUE(ipSecAssociation, UsePfs, "true"),
	VALUE(ipSecAssociation, UseKeyExchangeGroup, "false"),
	VALUE(ipSecAssociation, DhGroup, "ecp384"),
	VALUE(ipSecAssociation, Granularity, "subnet"),
	VALUE(ipSecAhTransform, IntegrityKey, ""),
	VALUE(ipSecAhTransform, UseReplayPrevention, "true"),
	VALUE(ipSecAhTransform, ReplayPreventionWindowSize, "128"),
	VALUE(ipSecAhTransform, MaxLifetimeSeconds, "1h"),
	VALUE(ipSecAhTransform, MaxLifetimeKilobytes, "0"),
	VALUE(ipSecEspTransform, IntegrityTransformId, "0"),
	VALUE(ipSecEspTransform, CipherTransformId, "aes256gcm16"),
	VALUE(ipSecEspTransform, IntegrityKey, ""),
	VALUE(ipSecEspTransform, CipherKey, ""),
	VALUE(ipSecEspTransform, CipherKeyRounds, "0"),
	OTHER(ipSecEspTransform, CipherKeyLength, ABSENT_LENGTH, CipherTransformId),
	VALUE(ipSecEspTransform, UseReplayPrevention, "true"),
	VALUE(ipSecEspTransform, ReplayPreventionWindowSize, "128"),
	VALUE(ipSecEspTransform, MaxLifetimeSeconds, "1h"),
	VALUE(ipSecEspTransform, MaxLifetimeKilobytes, "0"),
	VALUE(copsecEspTransform, Encryption, "aes256gcm16"),
	OTHER(copsecEspTransform, KeyLength, ABSENT_LENGTH, Encryption),
	VALUE(copsecEspTransform, Integrity, "0"),
	VALUE(copsecEspTransform, Group, "ecp384"),
	VALUE(copsecEspTransform, Esn, "true"),
	VALUE(ipSecCompTransform, DictionarySize, "0"),
	VALUE(ipSecCompTransform, MaxLifetimeSeconds, "1h"),
	VALUE(ipSecCompTransform, MaxLifetimeKilobytes, "0"),
	VALUE(ipSecIkeRule, IfCapSetName, "ipsec"),
	{PIB_ipSecIkeRule, ipSecIkeRuleRoles, {ABSENT_ROLES, NULL, 0}},
	VALUE(ipSecIkeRule, ActionExecutionStrategy, "doAll"),
	VALUE(ipSecIkeRule, LimitNegotiation, "both"),
	VALUE(ipSecIkeRule, AutoStart, "false"),
	VALUE(ipSecIkeAssociation, MinLiftetimeSeconds, "0"),
	VALUE(ipSecIkeAssociation, MinLifetimeKilobytes, "0"),
	VALUE(ipSecIkeAssociation, IdleDurationSeconds, "0"),
	VALUE(ipSecIkeAssociation, ExchangeMode, "mainMode"),
	VALUE(ipSecIkeAssociation, UseIkeIdentityType, "0"),
	VALUE(ipSecIkeAssociation, UseIkeIdentityValue, ""),
	VALUE(ipSecIkeAssociation, PresharedKey, ""),
	VALUE(ipSecIkeAssociation, VendorId, ""),
	VALUE(ipSecIkeAssociation, AggressiveModeGroupId, "0"),
	VALUE(ipSecIkeAssociation, DoActionLogging, "false"),
	VALUE(copsecIkeAssociation, Version, "2"),
	VALUE(copsecIkeAssociation, Authentication, "rawKey"),
	VALUE(ipSecIkeProposal, MaxLifetimeSeconds, "8h"),
	VALUE(ipSecIkeProposal, MaxLifetimeKilobytes, "0"),
	VALUE(ipSecIkeProposal, CipherAlgorithm, "0"),
	VALUE(ipSecIkeProposal, HashAlgorithm, "sha384"),
	VALUE(ipSecIkeProposal, AuthenticationMethod, "8"),
	VALUE(ipSecIkeProposal, PrfAlgorithm, "0"),
	VALUE(ipSecIkeProposal, IkeDhGroup, "ecp384"),
	VALUE(copsecIkeProposal, Encryption, "aes256gcm16"),
	OTHER(copsecIkeProposal, KeyLength, ABSENT_LENGTH, Encryption),
	VALUE(copsecIkeProposal, Integrity, "0"),
	VALUE(copsecIkeProposal, Prf, "sha384"),
	VALUE(copsecIkeProposal, Group, "ecp384"),
	VALUE(ipSecIkePeerEndpoint, IdentityType, "0"),
	VALUE(ipSecIkePeerEndpoint, IdentityValue, ""),
	VALUE(ipSecIkePeerEndpoint, IsNegated, "false"),
	VALUE(ipSecCredential, CredentialType, "certificateX509"),
	VALUE(ipSecCredential, CrlDistributionPoint, ""),
	VALUE(ipSecCredentialFields, IsNegated, "false"),
	VALUE(ipSecSelectorSet, IsNegated, "false"),
	VALUE(ipSecSelector, Protocol, "255"),
	VALUE(ipSecSelector, Dscp, "-1"),
	VALUE(ipSecSelector, FlowLabel, "-1"),
	OTHER(ipSecAddress, AddressType, ABSENT_FAMILY, AddrMin),
	OTHER(ipSecAddress, AddrPrefixLength, ABSENT_WHOLE, AddrMin),
	OTHER(ipSecAddress, AddrMax, ABSENT_LIKE, AddrMin),
	OTHER(ipSecL4Port, PortMax, ABSENT_LIKE, PortMin),
	VALUE(ipSecIpsoFilterSet, IsNegated, "false"),
	VALUE(ipSecIpsoFilter, ClassificationLevel, "unclassified"),
	VALUE(ipSecIpsoFilter, ProtectionAuthority, "genser"),
	VALUE(ipSecRuleTimePeriod, TimeOfDayMask, "T000000/T235959"),
	VALUE(ipSecRuleTimePeriod, LocalOrUtcTime, "localTime"),
	{PIB_copsecSecret, copsecSecretKey, {ABSENT_SEAL, NULL, 0}},
	OTHER(copsecGroupMember, AddressType, ABSENT_FAMILY, Address),
	OTHER(copsecGroupMember, PrefixLength, ABSENT_WHOLE, Address),
#undef VALUE
#undef OTHER
};

static bool is_written(const struct pib_class *class)
{
	return envelope_is_inside(class) && pib_class_installs(class);
}

const struct pib_class *class_next(const struct pib_class *class)
{
	for (int i = class ? (int)class->id + 1 : 0; i < PIB_CLASS_COUNT; i++) {
		const struct pib_class *next = pib_class((enum pib_class_id)i);

		if (is_written(next))
			return next;
	}
	return NULL;
}

const struct pib_class *class_of_element(const char *name)
{
	const struct pib_class *class = pib_class_by_name(name);

	return class && is_written(class) ? class : NULL;
}

bool class_extends(const struct pib_class *class)
{
	return class->index != PIB_INDEX;
}

const struct pib_class *class_extension(const struct pib_class *class)
{
	const struct pib_class *other;

	for (other = class_next(NULL); other; other = class_next(other))
		if (class_extends(other) && other->base == class->id)
			return other;
	return NULL;
}

const struct pib_attribute *class_tag(const struct pib_class *class)
{
	for (size_t i = 0; i < class->attribute_count; i++)
		if (class->attributes[i].role == PIB_TAG)
			return &class->attributes[i];
	return NULL;
}

/* Behind the name of the class, if something is. */
static const char *own_part(const struct pib_class *class, const struct pib_attribute *a)
{
	size_t prefix = strlen(class->name);

	return strncmp(a->name, class->name, prefix) == 0 && a->name[prefix] ? a->name + prefix
									       : a->name;
}

void class_word(const struct pib_class *class, const struct pib_attribute *a,
	char word[CLASS_WORD_SIZE])
{
	snprintf(word, CLASS_WORD_SIZE, "%s", own_part(class, a));
	word[0] = (char)tolower((unsigned char)word[0]);
}

const struct pib_attribute *class_attribute(const struct pib_class *class, const char *word)
{
	for (size_t i = 0; i < class->attribute_count; i++) {
		const struct pib_attribute *a = &class->attributes[i];
		const char *own = own_part(class, a);

		if (a->role != PIB_INSTANCE && *word == tolower((unsigned char)*own) &&
			strcmp(word + 1, own + 1) == 0)
			return a;
	}
	return NULL;
}

static bool is_reference(const struct pib_attribute *a)
{
	return a->role == PIB_REFERENCE || a->role == PIB_TAG_REFERENCE || a->role == PIB_PRID;
}

struct absence class_absence(const struct pib_class *class, const struct pib_attribute *a)
{
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (good[i].class == class->id && good[i].attribute == a->number)
			return good[i].absence;
	if (a->has_default)
		return (struct absence){.kind = ABSENT_SCHEMA};
	if (is_reference(a) && reference_may_be_none(class, a))
		return (struct absence){.kind = ABSENT_NONE};
	if (a->syntax == PIB_BITS)
		return (struct absence){.kind = ABSENT_ALL};
	if (strcmp(a->type, "IpSecOrderTC") == 0)
		return (struct absence){.kind = ABSENT_PLACE};
	return (struct absence){.kind = ABSENT_REQUIRED};
}
