#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The program as it is called: what it prints, writes and returns. $1 is pmt, $2 its source folder.
set -eu
pmt=$1
source=$2
warnings=$(cd "$(dirname "$0")/warnings" && pwd)
samples=$(cd "$(dirname "$0")/import" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
cp "$source"/examples/*.xml .
failures=0

# expect STATUS WHAT COMMAND...: the status, and nothing but silence about it.
expect() {
	wanted=$1 what=$2
	shift 2
	got=0
	"$@" >stdout 2>stderr || got=$?
	[ "$got" = "$wanted" ] && return
	failures=$((failures + 1))
	echo "FAILED: $what: status $got, not $wanted: $*"
	cat stdout stderr
}

# said TEXT: the last command said so.
said() {
	grep -qF -- "$1" stdout stderr && return
	failures=$((failures + 1))
	echo "FAILED: not said: $1"
	cat stdout stderr
}

expect 0 'help is what was asked for' "$pmt" --help
said 'Usage: pmt COMMAND'
expect 2 'no command' "$pmt"
expect 2 'unknown command' "$pmt" chek
said 'commands are check'
expect 2 'unknown option' "$pmt" compile --sereal 3 office.xml
said 'unknown option'
expect 2 'operand missing' "$pmt" check
expect 2 'operand too many' "$pmt" check office.xml nodes.xml
said 'nodes.xml'
expect 2 'not a number' "$pmt" compile --serial -1 office.xml
for command in $("$pmt" --help | sed -n "/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p"); do
	expect 0 "help of $command" "$pmt" $command --help
	said "Usage: pmt $command"
done

expect 0 'the example is right' "$pmt" check office.xml
[ ! -s stdout ] && [ ! -s stderr ] || { echo "FAILED: check has something to say"; exit 1; }
expect 0 'there is nothing to warn of' "$pmt" check --strict office.xml
for text in "$warnings"/*.txt; do
	policy=$(basename "$text" .txt).xml
	cp "$warnings/$policy" .
	expect 0 "warnings of $policy" "$pmt" check "$policy"
	diff "$text" stderr || { echo "FAILED: warnings of $policy"; failures=$((failures + 1)); }
	expect 1 "strict with $policy" "$pmt" check --strict "$policy"
done
expect 1 'a faulty policy' "$pmt" check nodes.xml
said 'nodes.xml:6:2: error: the root of a policy is <policy>, not <part>'
expect 1 'a file that is not there' "$pmt" check nowhere.xml
expect 0 'the tests of the example hold' "$pmt" test office.xml
said '11 of 11 expectations hold'
sed 's/verdict="deny" role="server" in="yes" service="ssh"/verdict="allow" role="server" in="yes" service="ssh"/' \
	office.xml >wrong.xml
expect 1 'a test that does not hold' "$pmt" test wrong.xml
said 'expected allow by "server-ssh", but with the roles server it is deny by rule "server-ssh" at wrong.xml:'

expect 0 'list a policy' "$pmt" list office.xml
said 'rule        server-ssh  for server, office.xml:45:6'
expect 0 'list names' "$pmt" list --names roles office.xml
[ "$(tr '\n' ' ' <stdout)" = 'host server gateway lan dmz uplink ' ] || { echo 'FAILED: roles'; cat stdout; failures=$((failures + 1)); }
expect 2 'list what there is not' "$pmt" list --names colours office.xml
said 'there are no "colours" to list'
expect 1 'list what is no policy' "$pmt" list "$pmt"
expect 1 'list a faulty policy' "$pmt" list nodes.xml

# A change and its way back: what one widens the other tightens.
sed -e 's/<deny name="server-ssh" in="yes"/<allow name="server-ssh" in="yes" from="office"/' \
	-e 's/name="pass-ping" forward="yes" from="office"/name="pass-ping" forward="yes"/' \
	office.xml >wider.xml
expect 3 'diff of what widens' "$pmt" diff office.xml wider.xml
said '  WIDENS   deny, log -> allow, log'
said 'from office (IPv4) tcp port 22'
said 'before "server-ssh" at office.xml:45:6, now "server-ssh" at wider.xml:45:6'
said 'gateway, forward (gw1)'
said '3 changes, 2 of them let more pass'
expect 0 'diff of what tightens' "$pmt" diff wider.xml office.xml
said '3 changes, 0 of them let more pass'
sed 's/<allow name="pass-ping" /&rate="10\/minute" log="yes" /' office.xml >limited.xml
expect 3 'diff of a limit that is gone' "$pmt" diff limited.xml office.xml
said '  WIDENS   allow, log, 10 new ones in 60 s -> allow'
said 'before "pass-ping" at limited.xml:'
expect 0 'diff of a limit that is new' "$pmt" diff office.xml limited.xml
said '  tightens allow -> allow, log, 10 new ones in 60 s'
sed 's/<allow name="pass-ping" /&log="yes" /' office.xml >logged.xml
expect 0 'diff of the log' "$pmt" diff --json office.xml logged.xml
[ "$(jq -c '[.places[].changes[] | .effect, .after, .widens]' stdout)" = '["logs","allow, log",false]' ] || { echo 'FAILED: the log in JSON of diff'; cat stdout; failures=$((failures + 1)); }
"$pmt" compile -o wider.bundle wider.xml >stdout
"$pmt" compile -o office.bundle office.xml >stdout
expect 3 'diff of bundles' "$pmt" diff office.bundle wider.bundle
said '3 changes, 2 of them let more pass'
expect 0 'a policy and its bundle are the same' "$pmt" diff office.xml office.bundle
said 'no flow is treated in another way'
expect 3 'diff as JSON' "$pmt" diff --json office.xml wider.xml
[ "$(jq -c '[.widening, .places[].at[0]]' stdout)" = '[2,"web1 eth0","gw1"]' ] || { echo 'FAILED: JSON of diff'; cat stdout; failures=$((failures + 1)); }
sed 's/<interface name="eth0" roles="host"/<interface name="eth0" roles="server"/' nodes.xml >other.xml
sed 's/href="nodes.xml"/href="other.xml"/' office.xml >roles.xml
expect 3 'other roles are other rules' "$pmt" diff office.xml roles.xml
said 'server, in, before with the roles host (alice eth0)'
expect 1 'diff with nothing' "$pmt" diff office.xml nowhere.xml
expect 2 'diff of one' "$pmt" diff office.xml

# One flow, rule by rule.
expect 0 'explain what goes out' "$pmt" explain --node alice --out --from alice --to web1 --port 80 office.xml
said 'alice (host): out ipv6 tcp 2001:db8:1::10 port 49152 -> 2001:db8:2::20 port 80'
said 'home: allow by "host-web" at office.xml:35:6'
said 'not by "host-ledger" at office.xml:34:6: it wants port 7000'
said 'counter host/host-web'
expect 0 'explain what is protected' "$pmt" explain --node web1 --in --from 192.0.2.10 --to 198.51.100.20 --port 7000 office.bundle
said 'home: protect with strong by "server-ledger"'
said 'SPD src 0.0.0.0/0 dst 0.0.0.0/0 dir in'
said 'level required'
expect 0 'explain what nothing allows' "$pmt" explain --node gw1 --forward --interface lan \
	--out-interface dmz --from alice --to web1 --port 443 office.xml
said 'home: deny, for there is no rule that matches'
said 'not by "pass-control" at office.xml:57:6: it wants to control (IPv6)'
expect 0 'explain ICMP' "$pmt" explain --node web1 --in --from 192.0.2.1 --to web1 --protocol icmp --icmp 8 office.xml
said 'home: allow by "server-pinged"'
# What is no file of the kind that is wanted: said in a word, with status 1, by every command.
mkdir folder
: >empty
"$pmt" keygen --no-passphrase thing >/dev/null
head -c 4096 /dev/urandom >noise
wrong() { # wrong WHAT FILE SENTENCE COMMAND...: the file comes last
	what=$1 file=$2 sentence=$3
	shift 3
	expect 1 "$1: $what" "$pmt" "$@" "$file"
	said "$sentence"
}
for command in check compile test prove; do
	wrong 'no file' missing.xml 'missing.xml: No such file or directory' $command
	wrong 'a folder' folder 'Is a directory' $command
	wrong 'an empty file' empty 'the file is empty' $command
	wrong 'noise' noise 'noise:1:' $command
done
for command in check compile test; do
	wrong 'a bundle' office.bundle 'this is a bundle and not a policy' $command
done
for command in 'sign --key missing.key' show convert 'verify --trust thing.crt' \
	'rollback --in-force office.bundle -o none' \
	"publish --pdp 192.0.2.1 --pdp-pin sha256:$(printf %064d 1) --key missing.key"; do
	wrong 'no file' missing.bundle 'missing.bundle: No such file or directory' $command
	wrong 'a folder' folder 'not a regular file' $command
	wrong 'an empty file' empty 'does not begin as a bundle file does' $command
	wrong 'noise' noise 'does not begin as a bundle file does' $command
	wrong 'a policy' office.xml 'office.xml is a policy and not a bundle' $command
done

for key in missing.key folder empty noise thing.crt office.xml; do
	expect 1 "no key: $key" "$pmt" sign --key "$key" -o none office.bundle
done
said 'office.xml: there is no private key in it'
cp thing.key open.key
chmod 644 open.key
expect 1 'a key for everybody' "$pmt" sign --key open.key -o none office.bundle
said 'lets others at the key'
for trust in missing.crt folder empty noise office.xml; do
	expect 1 "no certificates: $trust" "$pmt" verify --trust "$trust" office.bundle
done
said 'no certificate in it'
[ ! -e none ] || { echo 'FAILED: something was written all the same'; failures=$((failures + 1)); }
pdp="--pdp 192.0.2.1 --pdp-pin sha256:$(printf %064d 1) --key thing.key"
expect 1 'not signed' "$pmt" verify --trust thing.crt office.bundle
said 'not signed, and 1 of the 1 trusted keys must sign'
expect 0 'signed' "$pmt" sign --key thing.key -o thing.bundle office.bundle
expect 1 'too early' "$pmt" verify --trust thing.crt --time 2001-09-09T01:46:40Z thing.bundle
said ', and it is 2001-09-09T01:46:40Z'
expect 1 'no way back' "$pmt" publish $pdp --canary 5% thing.bundle
said 'there is no way back, thing.fallback.bundle: pmt sign --with-fallback makes one'
expect 1 'the way back is older' "$pmt" publish $pdp --canary 5% --fallback thing.bundle thing.bundle
said 'the way back, thing.bundle: the bundle has the serial'
expect 2 'no share' "$pmt" publish $pdp --canary 5 thing.bundle
expect 2 'two answers' "$pmt" publish $pdp --canary 5% --canary-role host thing.bundle
expect 2 'hold of nothing' "$pmt" publish $pdp --hold 5s thing.bundle
expect 2 'compared with nothing' "$pmt" publish --dry-run thing.bundle
expect 2 'half of an address' "$pmt" status --pdp 192.0.2.1

# Every layer, transit from both sides, tunnels.
cat >floor.xml <<-'X'
	<policy xmlns="urn:copsec:policy:1" tenant="isp" authority="operator"><role name="gateway"/>
	<rules for="*"><deny name="no-web" out="yes" service="http"/><allow name="rest" in="yes" out="yes"/></rules>
	<rules for="gateway"><allow name="pass" forward="yes"/></rules>
	</policy>
X
expect 0 'explain two layers' "$pmt" explain --node alice --out --from alice --to web1 --port 80 office.xml floor.xml
said 'home (office.xml, host): allow by "host-web"'
said 'operator (floor.xml, *): deny by "no-web" at floor.xml:2:'
said 'together: deny, which is what operator says'
said 'counter host/operator/no-web'
! grep -F 'counter host/host-web' stdout || { echo 'FAILED: home'\''s counter, which the kernel has not for it'; failures=$((failures + 1)); }
sed 's/<allow name="rest"/& rate="9\/minute"/' floor.xml >slow.xml
expect 0 'explain a limit of another layer' "$pmt" explain --node web1 --in --from 192.0.2.10 --to 198.51.100.20 --port 7000 office.xml slow.xml
said 'together: protect with strong, which is what home says'
said 'counter server/server-ledger'
said 'operator/rest'
said 'level required'
expect 0 'the layer as a bundle' "$pmt" compile --serial 1 -o floor.bundle floor.xml
expect 0 'explain with a bundle of another authority' "$pmt" explain --node alice --out --from alice --to web1 \
	--port 443 office.xml floor.bundle
said 'operator (floor.bundle, *): allow by "rest"'
said 'together: deny, which is what home says'
expect 0 'explain transit that home lets pass' "$pmt" explain --node gw1 --forward --interface lan --out-interface dmz \
	--from alice --to web1 --port 80 office.xml
said 'answers pass with the connection'
expect 0 'explain transit' "$pmt" explain --node gw1 --forward --interface lan --out-interface dmz \
	--from alice --to web1 --port 80 office.xml floor.xml
said 'operator (floor.xml, *+gateway): allow by "pass"'
said 'the same from the other side: forward ipv6 tcp 2001:db8:2::20 port 49152 -> 2001:db8:1::10 port 80, in by dmz, out by lan'
expect 0 'explain a tunnel' "$pmt" explain --node ga --forward --interface lan --out-interface wan \
	--from 10.1.0.5 --to 10.2.0.9 --port 80 tunnels.xml
said 'through a tunnel to 198.51.100.1, the node "gb"'
said 'tmpl src 0.0.0.0 dst 198.51.100.1 proto esp'
expect 2 'home comes first' "$pmt" explain --node alice --out --from alice --to web1 floor.xml
expect 2 'one home' "$pmt" explain --node alice --out --from alice --to web1 office.xml office.xml
expect 2 'two families' "$pmt" explain --node web1 --in --from 192.0.2.1 --to 2001:db8::1 office.xml
expect 2 'no direction' "$pmt" explain --node web1 --from 192.0.2.1 --to web1 office.xml
expect 2 'no such node' "$pmt" explain --node webx --in --from 192.0.2.1 --to 192.0.2.2 office.xml
expect 2 'no such port' "$pmt" explain --node web1 --in --from 192.0.2.1 --to web1 --port 65536 office.xml
expect 2 'which interface' "$pmt" explain --node gw1 --in --from 192.0.2.1 --to 192.0.2.2 office.xml

# Statements about all nodes, in the policy and on the command line.
expect 0 'the statements of the example hold' "$pmt" prove office.xml
said '3 of 3 statements hold'
expect 0 'nobody reaches ssh' "$pmt" prove --at-least deny --service ssh office.xml
said '1 of 1 statements hold'
expect 0 'the book-keeping is protected' "$pmt" prove --at-least 'protect strong' --service ledger office.xml
expect 1 'not all is protected' "$pmt" prove --at-least protect --from office --to web1 office.xml
said 'FALSE: prove at-least="protect" from="office" to="web1"'
said 'reaches web1 eth0 (server): allow by "server-'
expect 1 'who reaches ssh' "$pmt" prove --at-least deny --except-from 192.0.2.0/24 --in --service ssh wider.xml
said 'reaches web1 eth0 (server): allow by "server-ssh" at wider.xml:45:6'
expect 0 'nobody else does' "$pmt" prove --at-least deny --except-from office --in --service ssh wider.xml
expect 1 'what the gateway passes on' "$pmt" prove --at-least deny --forward --from 10.0.0.0/8 wider.xml
said 'passes through gw1 (gateway): allow by "pass-ping" at wider.xml'
sed 's#<tests>#<tests><prove at-least="deny" service="ssh"/><prove at-least="protect" service="web"/>#' office.xml >proofs.xml
expect 1 'statements in the policy' "$pmt" prove proofs.xml
said '4 of 5 statements hold'
said 'proofs.xml:66:'
expect 0 'they do not disturb the tests' "$pmt" test proofs.xml
said '11 of 11 expectations hold'
expect 1 'a statement that says nothing' "$pmt" prove --at-least allow office.xml
said 'command line:1:59: error: every flow is at least allowed'
expect 1 'a name that nobody has' "$pmt" prove --at-least deny --from offic office.xml
said 'did you mean "office"?'
cat >ssh-floor.xml <<-X
	<policy xmlns="urn:copsec:policy:1" tenant="isp" authority="operator">
	<rules for="*"><deny in="yes" service="ssh" from="0.0.0.0/0"/><allow in="yes"/><allow out="yes"/></rules>
	</policy>
X
expect 1 'what home alone lets in' "$pmt" prove --at-least deny --in --service ssh wider.xml
expect 1 'beneath an ISP that forbids a part of it' "$pmt" prove --at-least deny --in --service ssh wider.xml ssh-floor.xml
said 'for example in ipv6 tcp 2001:db8:'
expect 0 'the part that it forbids' "$pmt" prove --at-least deny --in --service ssh --from 0.0.0.0/0 wider.xml ssh-floor.xml
expect 2 'home comes first' "$pmt" prove ssh-floor.xml office.xml
said 'is not home'
expect 2 'one home' "$pmt" prove office.xml office.xml
expect 0 'a floor by itself' "$pmt" prove --at-least deny --in --service ssh --from 0.0.0.0/0 ssh-floor.xml
expect 2 'half a statement' "$pmt" prove --from office office.xml
expect 2 'of a bundle' "$pmt" prove office.bundle

# A bundle as a policy again, from which the same bundle comes.
round_trip() {
	expect 0 "compile $1" "$pmt" compile --serial 1 --time 1767225600 -o there.bundle "$1"
	expect 0 "convert the bundle of $1" "$pmt" convert -o back.xml there.bundle
	expect 0 'what comes out is a policy' "$pmt" compile --serial 1 --time 1767225600 -o back.bundle back.xml
	cmp there.bundle back.bundle || { echo "FAILED: $1 is another one now"; failures=$((failures + 1)); }
}
for policy in office.xml wider.xml roles.xml ends.xml unreached.xml needless.xml old.xml classes.xml; do
	round_trip $policy
done
for sample in server.iptables router.nft.json gateway.swanctl.conf; do
	"$pmt" import --node srv -o taken.xml --node-key sha256:$(printf '%064d' 7) "$samples/$sample" 2>/dev/null
	round_trip taken.xml
done
# Numbers that an earlier policy left behind stay too.
"$pmt" compile --serial 1 -o first.bundle office.xml >stdout
"$pmt" compile --previous first.bundle -o next.bundle wider.xml >stdout
expect 0 'convert a later bundle' "$pmt" convert -o back.xml next.bundle
expect 0 'compile it after that' "$pmt" compile --previous next.bundle -o again.bundle back.xml
said '6 sets and 3 nodes are as before'
expect 1 'convert a policy' "$pmt" convert office.xml

# A secret for one node: nobody else can open it, and nobody sees it pass.
"$pmt" keygen --no-passphrase enforcer >pin
printf 'open sesame' >psk
expect 0 'seal a secret' "$pmt" seal --to enforcer.crt -o psk.sealed psk
said "$(cat pin)"
cat >secret.xml <<END
<policy xmlns="urn:copsec:policy:1" tenant="acme">
  <role name="gateway"/>
  <node name="gw1" roles="gateway" key="sha256:$(printf '%064d' 1)" seal="$(cat pin)"/>
  <node name="gw2" roles="gateway" key="sha256:$(printf '%064d' 2)"/>
  <protection name="shared"><ike authentication="secret"/></protection>
  <rules for="gateway"><protect with="shared" both="yes"/></rules>
  <rules node="gw1">
    <copsecSecret owner="shared" use="presharedKey" sealed="file:psk.sealed"/>
  </rules>
</policy>
END
expect 0 'a policy with a secret' "$pmt" compile --serial 1 --time 1767225600 -o secret.bundle secret.xml
expect 0 'where it is' "$pmt" show --pris secret.bundle
said 'copsecSecretOwner = ipSecIkeAssociation.1'
! grep -q 'open sesame' secret.bundle stdout || { echo 'FAILED: the secret is open'; failures=$((failures + 1)); }
expect 0 'its owner opens it' openssl cms -decrypt -inform DER -in psk.sealed -recip enforcer.crt -inkey enforcer.key
said 'open sesame'
expect 0 'it comes back' "$pmt" convert -o back.xml secret.bundle
expect 0 'as it was' "$pmt" compile --serial 1 --time 1767225600 -o again.bundle back.xml
cmp secret.bundle again.bundle || { echo 'FAILED: the secret is another one now'; failures=$((failures + 1)); }
sed 's/<rules node="gw1">/<rules for="gateway">/' secret.xml >shared.xml
expect 1 'a secret in a shared set' "$pmt" check shared.xml
said 'a secret is for one node'
sed 's/<rules node="gw1">/<rules node="gw2">/' secret.xml >unsealed.xml
expect 1 'a node without a key for it' "$pmt" check unsealed.xml
said 'the node "gw2" has no key that secrets could be sealed to'
sed 's/use="presharedKey"/use="presharedKey" key="sha256:'"$(printf '%064d' 3)"'"/' secret.xml >other.xml
expect 1 'sealed to another' "$pmt" check other.xml
said 'this is not the seal of the node "gw1"'
expect 1 'no secret' "$pmt" seal --to enforcer.crt -o nothing.sealed /dev/null
expect 1 'no certificate' "$pmt" seal --to psk -o nothing.sealed psk
[ ! -e nothing.sealed ] || { echo 'FAILED: something was sealed'; failures=$((failures + 1)); }

# The way back, and what is not worth a journey.
expect 0 'a key' "$pmt" keygen --no-passphrase signer
expect 0 'another key' "$pmt" keygen --no-passphrase second
"$pmt" compile --serial 5 -o five.bundle office.xml >stdout
expect 1 'publish what nobody signed' "$pmt" publish --dry-run --in-force office.bundle five.bundle
said 'the bundle is not signed'
"$pmt" sign --key signer.key five.bundle >stdout
sed 's#</tests>#</tests><node name="eve" roles="host" key="sha256:'"$(printf '%064d' 99)"'"/>#' wider.xml >six.xml
"$pmt" compile --previous five.bundle -o six.bundle six.xml >stdout
expect 0 'sign with the way back' "$pmt" sign --key signer.key --with-fallback five.bundle six.bundle
said 'six.fallback.bundle: tenant acme, serial 7, 6 sets, 3 nodes, signed by 1'
said 'the node "eve" is newer than this policy'
expect 0 'the way back is good' "$pmt" verify --trust signer.crt six.fallback.bundle
expect 0 'and leads back' "$pmt" diff five.bundle six.fallback.bundle
said 'no flow is treated in another way'
expect 0 'roll back' "$pmt" rollback --in-force six.bundle --key signer.key -o seven.bundle five.bundle
said 'seven.bundle: tenant acme, serial 7, 6 sets, 3 nodes, signed by 1'
said '7 documents stay as they are, 2 are new'
expect 0 'it is good' "$pmt" verify --trust signer.crt seven.bundle
expect 1 'no serial backwards' "$pmt" rollback --in-force six.bundle --serial 6 -o seven.bundle five.bundle
said 'the serial must be 7 at least'
expect 2 'from where' "$pmt" rollback -o seven.bundle five.bundle
expect 3 'what publishing would change' "$pmt" publish --dry-run --trust signer.crt --in-force five.bundle six.bundle
said 'WIDENS'
expect 1 'older' "$pmt" publish --dry-run --in-force six.bundle five.bundle
said 'the bundle has the serial 5, what is in force has 6'
expect 1 'foreign keys' "$pmt" publish --dry-run --trust second.crt --in-force five.bundle six.bundle
sed 's/tenant="acme"/tenant="other"/' office.xml >other-tenant.xml
"$pmt" compile --serial 9 -o other.bundle other-tenant.xml >stdout
"$pmt" sign --key signer.key other.bundle >stdout
expect 1 'a foreign tenant' "$pmt" publish --dry-run --in-force five.bundle other.bundle
said 'the bundle is of the tenant other'
expect 1 'back to a foreign tenant' "$pmt" rollback --in-force five.bundle -o x.bundle other.bundle
"$pmt" compile --serial 6 --not-before 1000 --not-after 2000 -o old.bundle office.xml >stdout
"$pmt" sign --key signer.key old.bundle >stdout
expect 1 'expired' "$pmt" publish --dry-run --in-force five.bundle old.bundle
said 'it was valid until 1970-01-01T00:33:20Z'
expect 2 'dry of what' "$pmt" publish --dry-run six.bundle
expect 1 'nobody to ask' "$pmt" status --control ./nowhere.sock

# Who may sign, and others after them.
"$pmt" compile --serial 1 -o t1.bundle office.xml >stdout
expect 0 'a first list' "$pmt" trust t1.bundle signer.crt
said 'trust list 1: 1 keys, 1 must sign, 0 are revoked'
"$pmt" sign --key signer.key t1.bundle >stdout
expect 0 'it is good' "$pmt" verify --trust signer.crt t1.bundle
"$pmt" compile --previous t1.bundle --drop-signatures -o t2.bundle office.xml >stdout
expect 0 'the next list' "$pmt" trust --previous t1.bundle --revoke "$(printf 'sha256:%064d' 3)" t2.bundle second.crt
said 'trust list 2: 1 keys, 1 must sign, 1 are revoked'
"$pmt" sign --key second.key t2.bundle >stdout
expect 1 'the present signers must sign the next list' "$pmt" verify --trust signer.crt --in-force t1.bundle t2.bundle
said 'the trust list: signed by 0 of the 1 trusted keys'
"$pmt" sign --key signer.key t2.bundle >stdout
expect 0 'now they have' "$pmt" verify --trust signer.crt --in-force t1.bundle t2.bundle
"$pmt" compile --previous t2.bundle -o t3.bundle wider.xml >stdout
cp t3.bundle t3old.bundle
"$pmt" sign --key signer.key t3old.bundle >stdout
expect 1 'the old signers may not any more' "$pmt" verify --trust signer.crt --in-force t2.bundle t3old.bundle
"$pmt" sign --key second.key t3.bundle >stdout
expect 0 'the new ones may' "$pmt" verify --trust signer.crt --in-force t2.bundle t3.bundle
"$pmt" rollback --in-force t3.bundle --key second.key -o t4.bundle t1.bundle >stdout
expect 0 'the list never goes back' "$pmt" verify --trust signer.crt --in-force t3.bundle t4.bundle
expect 1 'more must sign than there are' "$pmt" trust --threshold 2 t1.bundle signer.crt
expect 1 'a list after none' "$pmt" trust --previous five.bundle t1.bundle signer.crt
said 'five.bundle has no trust list'
expect 2 'nobody' "$pmt" trust t1.bundle
expect 1 'what is no certificate' "$pmt" trust t1.bundle office.xml

# What is made of a file that others print is a policy that nothing is wrong with.
for sample in server.iptables router.nft.json gateway.swanctl.conf; do
	expect 0 "import $sample" "$pmt" import --node srv -o imported.xml \
		--node-key sha256:$(printf '%064d' 7) "$samples/$sample"
	said 'not taken over'
	expect 0 "$sample makes a policy" "$pmt" check imported.xml
	expect 0 "and a bundle" "$pmt" compile imported.xml
	said '1 nodes'
done
expect 1 'import of what is nothing of that' "$pmt" import office.xml
said 'none of the formats'
expect 1 'import as something else' "$pmt" import --from nft "$samples/server.iptables"
said 'there is no ruleset'
expect 2 'import from what there is not' "$pmt" import --from pf office.xml
expect 2 'a node without a key' "$pmt" import --node srv "$samples/server.iptables"
expect 2 'a name that is none' "$pmt" import --tenant '"x' "$samples/server.iptables"
printf 'connections {\n  a {\n' >cut.conf
expect 1 'swanctl.conf without an end' "$pmt" import cut.conf
said 'cut.conf: line 3: the section "a" has no end'

# Findings for machines.
expect 1 'findings as JSON' "$pmt" check --json nodes.xml
[ "$(jq -c '[.errors, .findings[0].file, .findings[0].line, .findings[0].severity]' stdout)" = '[1,"nodes.xml",6,"error"]' ] || { echo 'FAILED: JSON of check'; cat stdout; failures=$((failures + 1)); }
expect 0 'nothing as JSON' "$pmt" check --json office.xml
[ "$(jq -c '[.errors, .warnings, (.findings | length)]' stdout)" = '[0,0,0]' ] || { echo 'FAILED: JSON of check'; cat stdout; failures=$((failures + 1)); }

# Which rules the tests leave out.
expect 0 'coverage' "$pmt" test --coverage office.xml
said 'office.xml:63:6: no expectation touches the rule "gateway-pinged"'
said ' of 15 rules are touched'

# The same policy and terms, the same octets.
expect 0 'compile' "$pmt" compile --time 2026-01-01T00:00:00Z -o one.bundle office.xml
said 'one.bundle: serial 1, 3 nodes, 6 sets,'
"$pmt" list --names roles office.xml >wanted
"$pmt" list --names roles one.bundle | diff wanted - || { echo 'FAILED: roles of the bundle'; failures=$((failures + 1)); }
expect 0 'list a bundle' "$pmt" list --json one.bundle
[ "$(jq -r '.sets[].name, .rules[0].name' stdout | tr '\n' ' ')" = 'dmz gateway host lan server uplink gateway-pinged ' ] || { echo 'FAILED: sets'; failures=$((failures + 1)); }
expect 0 'compile again' "$pmt" compile --time 1767225600 --serial 1 -o two.bundle office.xml
cmp one.bundle two.bundle || { echo 'FAILED: two compilations differ'; failures=$((failures + 1)); }
expect 0 'the next one' "$pmt" compile --previous one.bundle office.xml
said 'office.bundle: serial 2,'
said 'against one.bundle: 6 sets and 3 nodes are as before; 0 of 10 documents are signed already'
expect 1 'a serial that is not greater' "$pmt" compile --previous office.bundle --serial 2 office.xml
said 'the serial must be 3 at least'
expect 1 'ends before it begins' "$pmt" compile --not-before 2026-01-02T00:00:00Z \
	--not-after 2026-01-01T00:00:00Z office.xml

# Keys: two who sign, one who has nothing to say.
for name in ann bob eve; do
	expect 0 "key of $name" "$pmt" keygen --no-passphrase $name
	grep -qE '^sha256:[0-9a-f]{64}$' stdout || { echo 'FAILED: no pin'; failures=$((failures + 1)); }
done
expect 1 'a key is not overwritten' "$pmt" keygen --no-passphrase ann
echo 'correct horse' >secret
expect 0 'key with a passphrase' "$pmt" keygen --passphrase-file secret locked
grep -q 'ENCRYPTED PRIVATE KEY' locked.key
cat ann.crt bob.crt >trust.pem

now=2026-06-01T00:00:00Z
expect 1 'not signed' "$pmt" verify --trust trust.pem --time $now one.bundle
expect 0 'sign' "$pmt" sign --key ann.key -o signed.bundle one.bundle
expect 0 'verify' "$pmt" verify --trust trust.pem --time $now signed.bundle
said 'tenant acme, serial 1, 6 sets, 3 nodes'
expect 1 'one is not two' "$pmt" verify --trust trust.pem --threshold 2 --time $now signed.bundle
expect 0 'sign too' "$pmt" sign --key bob.key signed.bundle
expect 0 'two' "$pmt" verify --trust trust.pem --threshold 2 --time $now signed.bundle
expect 1 'twice the same is one' "$pmt" sign --key bob.key signed.bundle
expect 0 'sign with a passphrase' "$pmt" sign --key locked.key --passphrase-file secret signed.bundle
expect 1 'no terminal to ask on' setsid "$pmt" sign --key locked.key one.bundle
expect 1 'signed by a stranger' "$pmt" verify --trust eve.crt --time $now signed.bundle
expect 1 'not valid any more' "$pmt" verify --trust trust.pem --time 2040-01-01T00:00:00Z signed.bundle

# The next one: what has not changed is signed already, by whom it was; a small change is small.
sed 's|to="server" service="web"/>|to="server" service="web ntp"/>|' office.xml >changed.xml
expect 0 'the next one, changed' "$pmt" compile --time $now --previous signed.bundle \
	-o changed.bundle changed.xml
cat >wanted <<'END'
against signed.bundle: 4 sets and 3 nodes are as before; 7 of 10 documents are signed already
  set gateway: 3 PRIs added, 0 changed, 0 removed, 48 as before
  set host: 3 PRIs added, 0 changed, 0 removed, 56 as before
END
tail -n +2 stdout | diff wanted - || failures=$((failures + 1))
expect 0 'only two have signed all of it' "$pmt" sign --key ann.key --key bob.key changed.bundle
said 'serial 2, 6 sets, 3 nodes, signed by 2'
expect 0 'verify what was completed' "$pmt" verify --trust trust.pem --threshold 2 --time $now \
	changed.bundle
expect 0 'a manifest of before' "$pmt" show --manifest server signed.bundle
cp stdout before.der
expect 0 'a manifest of now' "$pmt" show --manifest server changed.bundle
cmp stdout before.der || { echo 'FAILED: signed again'; failures=$((failures + 1)); }
expect 0 'without their signatures' "$pmt" compile --time $now --drop-signatures \
	--previous signed.bundle -o dropped.bundle changed.xml
said '0 of 10 documents are signed already'
expect 0 'show what was taken over' "$pmt" show changed.bundle
said 'node alice: serial 1, signed by 3'
said 'set server: serial 1,'
said 'set host: serial 2,'
said '  valid from 2026-06-01T00:00:00Z to 2036-05-29T00:00:00Z, signed by 2'
expect 1 'a bundle of another tenant' sh -c 'sed "s/tenant=\"acme\"/tenant=\"umbrella\"/" office.xml |
	cat >other.xml; "$0" compile --previous signed.bundle other.xml' "$pmt"
said 'another tenant'

# A signature that was taken over and is not good is not signed around.
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
expect 0 'signed by one' "$pmt" sign --key ann.key -o ann.bundle one.bundle
expect 0 'a manifest of hers' "$pmt" show --manifest server ann.bundle
cp stdout ann.der
at=$(awk -v all="$(hex ann.bundle)" -v one="$(hex ann.der)" \
	'BEGIN { print (index(all, one) + length(one) - 1) / 2 - 1 }')
cp ann.bundle bad.bundle
octet=$(od -An -tu1 -j "$at" -N1 ann.bundle)
printf "\\$(printf %03o $(((octet + 1) % 256)))" |
	dd of=bad.bundle bs=1 seek="$at" conv=notrunc status=none
expect 0 'after a bad signature' "$pmt" compile --time $now --previous bad.bundle -o next.bundle office.xml
expect 1 'who signed badly' "$pmt" sign --key ann.key next.bundle
said 'the signature does not verify'
expect 0 'who signed well' "$pmt" sign --key bob.key next.bundle

# Any octet changed is noticed, in what all three signed.
cat trust.pem locked.crt >all.pem
size=$(stat -c %s signed.bundle)
at=0
while [ $at -lt "$size" ]; do
	cp signed.bundle bad.bundle
	octet=$(od -An -tu1 -j $at -N1 signed.bundle)
	printf "\\$(printf %03o $(((octet + 1) % 256)))" | dd of=bad.bundle bs=1 seek=$at conv=notrunc status=none
	expect 1 "octet $at changed" "$pmt" verify --trust all.pem --threshold 3 --time $now bad.bundle
	status=0
	"$pmt" compile --time $now --previous bad.bundle -o next.bundle office.xml >stdout 2>stderr ||
		status=$?
	[ $status -le 1 ] || { echo "FAILED: compiled after octet $at changed"; cat stderr; exit 1; }
	[ $status = 1 ] || "$pmt" sign --key ann.key next.bundle >stdout 2>stderr || status=$?
	[ $status -le 1 ] || { echo "FAILED: signed after octet $at changed"; cat stderr; exit 1; }
	[ $status = 1 ] || expect 0 "signed after octet $at changed" \
		"$pmt" verify --trust ann.crt --time $now next.bundle
	at=$((at + 997))
done

# A manifest verifies without us.
expect 0 'the manifest' "$pmt" show --manifest host signed.bundle
cp stdout host.der
expect 0 'openssl cms -verify' openssl cms -verify -binary -inform DER -in host.der \
	-certfile all.pem -nointern -noverify -out content
expect 4 'openssl refuses a stranger' openssl cms -verify -binary -inform DER -in host.der \
	-certfile eve.crt -nointern -noverify -out content
expect 1 'no such set' "$pmt" show --manifest nobody signed.bundle

expect 0 'show' "$pmt" show signed.bundle
said 'rule 1 "host-ledger": out, to 198.51.100.20 tcp port 7000'
expect 0 'show the PRIs' "$pmt" show --pris signed.bundle
said 'copsecNegotiationActionName = "strong"'
expect 0 'show as JSON' "$pmt" show --json signed.bundle
said '"name": "alice"'
expect 0 'schema' "$pmt" schema
cmp stdout "$source/policy.rng" || failures=$((failures + 1))

[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
