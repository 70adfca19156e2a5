#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Keys that stay where they are: named by a URI of OpenSSL's stores, and in a PKCS#11 token
# (softhsm2, through the provider or the engine, whichever there is). $1 is pmt, $2 its source folder.
set -eu
pmt=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
failures=0

fail() {
	failures=$((failures + 1))
	echo "FAILED: $*"
	cat said
}
# expect STATUS WHAT PATTERN COMMAND...
expect() {
	wanted=$1 what=$2 pattern=$3
	shift 3
	status=0
	"$@" >said 2>&1 || status=$?
	[ $status -eq $wanted ] || fail "$what: status $status"
	grep -q -- "$pattern" said || fail "$what: not said: $pattern"
}

"$pmt" keygen --no-passphrase file >file.pin
"$pmt" keygen --no-passphrase other >/dev/null
"$pmt" compile --serial 1 -o unsigned.bundle "$source/examples/office.xml" >/dev/null

# Any store: here that of files.
expect 0 'sign with a key of a store' 'signed by 1' \
	"$pmt" sign --key "file://$work/file.key" -o signed.bundle unsigned.bundle
expect 0 'it is the same key' "$(cat file.pin)" "$pmt" verify --trust file.crt signed.bundle
expect 1 'and no other' 'trust' "$pmt" verify --trust other.crt signed.bundle
expect 1 'a store without the key' 'no private key' \
	"$pmt" sign --key "file://$work/none.key" -o none.bundle unsigned.bundle
expect 1 'a scheme that nobody knows' 'nonesuch:x: no private key' \
	"$pmt" sign --key nonesuch:x -o none.bundle unsigned.bundle
[ ! -e none.bundle ] || fail 'a bundle without a signature was written'

# A token.
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
if [ -z "$module" ] || ! command -v softhsm2-util >/dev/null; then
	[ $failures -eq 0 ] || exit 1
	echo 'skipped: no softhsm2'
	exit 77
fi
# What softhsm2 and the engine never give back is theirs.
export ASAN_OPTIONS=detect_leaks=0 PKCS11_MODULE_PATH="$module" SOFTHSM2_CONF="$work/softhsm.conf"
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" >softhsm.conf
softhsm2-util --init-token --free --label acme --pin 1234 --so-pin 4321 >/dev/null
openssl pkcs8 -topk8 -nocrypt -in file.key -out file.p8
softhsm2-util --import file.p8 --token acme --label signer --id 01 --pin 1234 >/dev/null
echo 1234 >pin
echo 9999 >wrong
key='pkcs11:token=acme;object=signer;type=private'

expect 0 'a certificate for it' "$(cat file.pin)" "$pmt" keygen --passphrase-file pin --token "$key" token
[ ! -e token.key ] || fail 'the key has left its token'
expect 1 'not over one that is there' 'token.crt is there already' \
	"$pmt" keygen --passphrase-file pin --token "$key" token
expect 0 'sign with it' 'signed by 1' \
	"$pmt" sign --key "$key" --passphrase-file pin -o token.bundle unsigned.bundle
expect 0 'verify by its certificate' "$(cat file.pin)" "$pmt" verify --trust token.crt token.bundle
expect 0 'two signers, one of them in a token' 'signed by 2' \
	"$pmt" sign --key "$key" --key other.key --passphrase-file pin -o both.bundle unsigned.bundle
expect 1 'the PIN is wrong' 'signer' \
	"$pmt" sign --key "$key" --passphrase-file wrong -o none.bundle unsigned.bundle
expect 1 'no such object' 'no private key' \
	"$pmt" sign --key 'pkcs11:token=acme;object=nobody;type=private' --passphrase-file pin -o none.bundle unsigned.bundle
[ ! -e none.bundle ] || fail 'a bundle without a signature was written'
[ $failures -eq 0 ]
