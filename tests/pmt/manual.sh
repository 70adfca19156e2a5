#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The examples in pmt(1) and copsec-policy(5) work as they stand; every option of --help is in
# pmt(1). $1 is pmt, $2 the source tree.
set -eu
pmt=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
cp "$source"/pmt/examples/*.xml .
mkdir bin
ln -s "$pmt" bin/pmt
PATH=$work/bin:$PATH

# Literal text of a page's EXAMPLES, unescaped.
literal() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
		sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.Ed/{s/.*//;p;d};/^\./d;s/\\e/\\/g;p}'
}

# Lines that begin with a dollar sign, and what continues them.
literal "$source/doc/man/pmt.1" | sed -n '/^\$ /,/[^\\]$/{s/^\$ //;p}' >script
[ "$(grep -c '^pmt' script)" -ge 10 ] || { echo 'FAILED: where are the examples of pmt(1)?'; exit 1; }
sh -eux script

count=0
literal "$source/doc/man/copsec-policy.5" | csplit -s -z -f policy - '/^<policy/' '{*}'
for policy in policy[0-9]*; do
	# What no node does yet may be warned of, nothing else.
	pmt check "$policy" 2>findings || { cat findings; exit 1; }
	! grep 'warning:' findings | grep -v 'no node enforces'
	pmt test "$policy"
	pmt prove "$policy"
	count=$((count + 1))
done
[ $count -ge 4 ] || { echo 'FAILED: where are the examples of copsec-policy(5)?'; exit 1; }

# What is not always so is named.
explained() {
	pmt explain "$@" >answer
	grep -q "$expected" answer || { cat answer; echo "FAILED: explain $*: no $expected"; exit 1; }
}
expected='while the schedule "maintenance" is on (tue thu 22:00-24:00; except .*): allow by "server-1"'
explained --node db1 --in --from 2001:db8:1::9 --to 2001:db8:2::30 --port 22 "$(grep -l maintenance policy[0-9]*)"
expected='with the offer "sharing" on: allow'
explained --node ann --in --from 2001:db8:1::9 --to 2001:db8:1::5 --port 445 "$(grep -l sharing policy[0-9]*)"
expected='with its source in the group "admitted": allow'
explained --node door --forward --interface eth0 --out-interface eth1 --from 2001:db8:9::1 --to 2001:db8:2::80 --port 443 "$(grep -l admission policy[0-9]*)"

# Each element stands in an example, in the page or beside it; those beside it are checked elsewhere.
literal "$source/doc/man/copsec-policy.5" >page.xml
pmt schema --manual | sed -n '1,/^\.Sh CLASSES/s/^\.Ss \([a-z][a-z]*\)$/\1/p' >elements
[ "$(wc -l <elements)" -ge 20 ] || { echo 'FAILED: where are the elements?'; exit 1; }
while read -r element; do
	grep -q "<$element[ />]" page.xml "$source"/pmt/examples/*.xml || {
		echo "FAILED: there is no example of <$element>"
		exit 1
	}
done <elements

# Each command has its lines in the SYNOPSIS, with every option that it takes.
synopsis() {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "$source/doc/man/pmt.1" |
		awk -v command="$1" '/^\.Nm/ { on = 0 } $1 == ".Cm" && $2 == command { on = 1 } on'
}

commands=$(pmt --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p')
[ "$(echo "$commands" | wc -l)" -ge 9 ] || { echo 'FAILED: where are the commands?'; exit 1; }
for command in $commands; do
	synopsis $command | grep -q . || {
		echo "FAILED: pmt $command is not in the SYNOPSIS of pmt(1)"
		exit 1
	}
	grep -qE "^\.It Cm $command( |$)" "$source/doc/man/pmt.1" || {
		echo "FAILED: pmt $command is not in pmt(1)"
		exit 1
	}
	pmt $command --help | sed -n 's/.* --\([a-z-]*\).*/\1/p' >options
	pmt $command --help | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p; s/^      --\([a-z-]*\).*/- \1/p' |
		while read -r letter option; do
			synopsis $command | grep -qE -- "(Fl|\|) (Fl )?($letter|-$option)( |$)" || {
				echo "FAILED: pmt $command --$option is not in the SYNOPSIS"
				exit 1
			}
		done
	while read -r option; do
		grep -qE "^\.It.*Fl (. , )?-$option( |$)" "$source/doc/man/pmt.1" || {
			echo "FAILED: pmt $command --$option is not in pmt(1)"
			exit 1
		}
	done <options
done
