#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Shell completion as the shells do it. $1 is pmt, $2 its source folder, then other programs that
# print theirs: `PROGRAM completion SHELL` or `PROGRAM --completion SHELL`.
set -eu
pmt=$1
source=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
mkdir bin other
ln -s "$pmt" bin/pmt
PATH=$work/bin:$PATH
cp "$source"/examples/office.xml "$source"/examples/nodes.xml "$source"/examples/classes.xml .
pmt compile office.xml >/dev/null
touch key.pem 'two words.xml'
failures=0

fail() {
	failures=$((failures + 1))
	echo "FAILED: $*"
}

# complete WANTED WORD...: the last word is the one under the cursor.
complete_in_bash() {
	wanted=$1
	shift
	COMP_WORDS=(pmt "$@")
	COMP_CWORD=$#
	_pmt || true # outside of a completion there is no compopt
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort -u | tr '\n' ' ')
	[ "$got" = "$wanted " ] || fail "pmt $*: \"$got\", not \"$wanted\""
}

eval "$(pmt completion bash)"
complete_in_bash 'check' che
complete_in_bash 'check compile completion convert' c
complete_in_bash '--strict' check --st
complete_in_bash '--help --version' -
complete_in_bash 'bin classes.xml nodes.xml office.xml other two words.xml' check ''
complete_in_bash 'office.xml' check --strict of
complete_in_bash 'bin office.bundle other' sign --key key.pem ''
complete_in_bash 'key.pem' sign --key k
complete_in_bash 'key.pem' sign -k k
complete_in_bash 'key.pem' sign --key = k
complete_in_bash 'office.bundle' compile --previous = of
complete_in_bash '' compile --serial ''
complete_in_bash 'roles rules' list --names r
complete_in_bash 'bash zsh' completion ''
complete_in_bash '' nosuch ''
complete_in_bash '--canary --canary-role' publish --can
complete_in_bash 'office.bundle' publish --fallback of

# Every option of every command, as its help has them.
count=0
for command in $(pmt --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'); do
	options=$(pmt "$command" --help | sed -n 's/^  *\(-., *\)\{0,1\}\(--[a-z-]*\).*/\2/p')
	[ -n "$options" ] || continue
	options=$(printf '%s\n' $options --help | sort -u)
	complete_in_bash "$(echo $options)" "$command" --
	count=$((count + 1))
done
[ $count -ge 15 ] || fail "only $count commands have options"

# The same of the others: the shells read what they print, and every option is in it.
for program in "$@"; do
	name=${program##*/}
	if "$program" --help | grep -q '^  completion'; then
		how=completion
	else
		how=--completion
	fi
	for shell in bash zsh; do
		"$program" $how $shell >script
		$shell -n script || fail "$name's script for $shell"
		grep -qF -- --version script || fail "$name's script for $shell lacks --version"
	done
	status=0
	"$program" $how fish >/dev/null 2>message || status=$?
	[ $status = 2 ] || fail "$name $how fish: status $status"
	grep -qF 'bash zsh' message || fail "$name does not say which shells"
done

# zsh completes at a terminal only, so it gets one, and its answer is read from it.
cat >zshrc <<'EOF'
autoload -U compinit
compinit -u -d "$PWD/dump"
source <(pmt completion zsh)
setopt no_beep
bindkey "^I" complete-word
EOF
cat >ask <<'EOF'
zmodload zsh/zpty
ask() {
	local line=$1 wanted=$2 got
	zpty shell 'zsh -f -i'
	zpty -w shell 'source ./zshrc; echo ready'
	zpty -r -m shell got $'*ready\r\n*'
	zpty -w -n shell "$line"$'\t'
	if ! zpty -r -m shell got "*$wanted*"; then
		print -r -- "FAILED: zsh: $line: $got"
		exit 1
	fi
	zpty -d shell
}
ask 'pmt chec' 'pmt check '
ask 'pmt check --str' '--strict'
ask 'pmt sign --key k' 'key.pem'
ask 'pmt check of' 'office.xml'
ask 'pmt list --names net' 'networks'
EOF
TERM=dumb timeout 60 zsh -f ask || fail 'completion in zsh, or no answer in time'

[ $failures = 0 ]
