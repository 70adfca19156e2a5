/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/commands/command.h"

const struct option_row pmt_options[] = {
	{'h', "help", NULL, "print this and exit; also behind a command"},
	{'V', "version", NULL, "print the version and exit"},
	{0},
};

const struct command_row pmt_commands[] = {
	{"check", command_check, "[--strict] [--json] POLICY", "say what is wrong with a policy",
		check_options},
	{"compile", command_compile, "[-o FILE] [--serial NUMBER | --previous BUNDLE] POLICY",
		"make an unsigned bundle of it", compile_options},
	{"test", command_test, "[--coverage] POLICY", "run the tests that stand in the policy",
		test_options},
	{"convert", command_convert, "[-o FILE] BUNDLE", "make a policy of a bundle again",
		convert_options},
	{"diff", command_diff, "[--json] OLD NEW",
		"say which flows a change treats in another way; exit 3 if any is let through "
		"that was not",
		diff_options},
	{"explain", command_explain,
		"--node NODE --in | --out | --forward --from ADDRESS --to ADDRESS ... FILE...",
		"say which rule decides a flow at a node, why not those before it, and what the "
		"kernel holds",
		explain_options},
	{"import", command_import, "[-o FILE] [--node NAME --node-key PIN] FILE",
		"make a first policy out of a packet filter's rules or swanctl.conf",
		import_options},
	{"keygen", command_keygen, "[--no-passphrase] NAME",
		"make NAME.key and NAME.crt, and print the key's pin", keygen_options},
	{"sign", command_sign, "--key FILE [-o FILE] [--with-fallback BUNDLE] BUNDLE",
		"sign a bundle, or add a signature", sign_options},
	{"trust", command_trust, "[--threshold NUMBER] [--previous BUNDLE] BUNDLE CERTIFICATE",
		"put a list of those who may sign into a bundle", trust_options},
	{"verify", command_verify, "--trust FILE [--threshold NUMBER] [--in-force BUNDLE] BUNDLE",
		"check a bundle as a decision point and its nodes will", verify_options},
	{"show", command_show, "[--json | --pris | --manifest SET] BUNDLE",
		"print what is in a bundle", show_options},
	{"list", command_list, "[--json | --names KIND] FILE",
		"name what is in a policy or a bundle, a line each", list_options},
	{"prove", command_prove, "[--at-least VERDICT [--from PEERS] [--to PEERS] ...] POLICY",
		"prove statements about the whole network, or show a packet that they do not hold "
		"for",
		prove_options},
	{"publish", command_publish,
		"--pdp ADDRESS --pdp-pin PIN --key FILE [--wait | --canary N% | --dry-run] BUNDLE",
		"give a signed bundle to a decision point", publish_options},
	{"rollback", command_rollback, "--in-force BUNDLE -o FILE [--key FILE] OLD-BUNDLE",
		"put an earlier policy under a new serial", rollback_options},
	{"status", command_status, "[--pdp ADDRESS --pdp-pin PIN --key FILE] [--json]",
		"say who has the policy that is in force", status_options},
	{"schema", command_schema, "", "print the language's RELAX NG schema", schema_options},
	{"completion", command_completion, "SHELL", "print completion for bash or zsh",
		completion_options},
	{0},
};
