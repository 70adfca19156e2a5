/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/old.h"

const char *old_way(const struct pib_class *class, bool extended, old_number_fn *number,
	const void *row)
{
	switch (class->id) {
	case PIB_ipSecAhTransform:
		return "AH";
	case PIB_ipSecIkeAssociation:
		if (!extended)
			return "IKEv1 (an ipSecIkeAssociation without copsecIkeAssociation)";
		return number(row, ipSecIkeAssociationExchangeMode) ==
				       ipSecIkeAssociationExchangeMode_mainMode
			       ? NULL
			       : "an exchange mode other than main mode";
	case PIB_ipSecAssociation:
		return number(row, ipSecAssociationUsePfs) == ipSecAssociationUsePfs_true
			       ? NULL
			       : "a key exchange without perfect forward secrecy";
	default:
		return NULL;
	}
}
