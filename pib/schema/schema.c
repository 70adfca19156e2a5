/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/schema/schema.h"

#include <assert.h>
#include <string.h>

#include "pib/schema/tables.h"

const struct pib_class *pib_class(enum pib_class_id id)
{
	assert((unsigned)id < PIB_CLASS_COUNT);
	return &pib_classes[id];
}

const struct pib_class *pib_class_by_row(const struct oid *row)
{
	size_t low = 0, high = PIB_CLASS_COUNT;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = oid_compare(row, &pib_classes[middle].row);

		if (order == 0)
			return &pib_classes[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct pib_class *pib_class_by_name(const char *name)
{
	for (size_t i = 0; i < PIB_CLASS_COUNT; i++) {
		if (strcmp(pib_classes[i].name, name) == 0)
			return &pib_classes[i];
	}
	return NULL;
}

const struct pib_attribute *pib_attribute(const struct pib_class *class, unsigned number)
{
	if (number < 1 || number > class->attribute_count)
		return NULL;
	return &class->attributes[number - 1];
}

const struct pib_attribute *pib_attribute_by_name(const struct pib_class *class, const char *name)
{
	for (size_t i = 0; i < class->attribute_count; i++) {
		if (strcmp(class->attributes[i].name, name) == 0)
			return &class->attributes[i];
	}
	return NULL;
}

const char *pib_label(const struct pib_attribute *attribute, int32_t number)
{
	for (size_t i = 0; i < attribute->label_count; i++) {
		if (attribute->labels[i].number == number)
			return attribute->labels[i].name;
	}
	return NULL;
}

bool pib_label_number(const struct pib_attribute *attribute, const char *label,
	int32_t *ret_number)
{
	for (size_t i = 0; i < attribute->label_count; i++) {
		if (strcmp(attribute->labels[i].name, label) == 0) {
			*ret_number = attribute->labels[i].number;
			return true;
		}
	}
	return false;
}

bool pib_class_installs(const struct pib_class *class)
{
	return class->access == PIB_INSTALL || class->access == PIB_INSTALL_NOTIFY;
}

bool pib_class_notifies(const struct pib_class *class)
{
	return class->access == PIB_NOTIFY || class->access == PIB_INSTALL_NOTIFY;
}
