#!/bin/sh
# Makes lamp.pdb, a portable PDB, of lamp.cs: Mono compiles it, and Mono.Cecil writes what a compiler would know of it.
# Needs Debian's packages mono-mcs, mono-runtime and libmono-cecil-private-cil.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cecil=$(find /usr/lib/mono/gac/Mono.Cecil -path '*/0.11*/Mono.Cecil.dll')
cd "$(mktemp -d)"
mcs -out:lamp.exe "$here/lamp.cs"
mcs -out:write.exe "-r:$cecil" "$here/write_symbols.cs"
mkdir out
MONO_PATH=$(dirname "$cecil") mono write.exe lamp.exe out/lamp.exe
cp out/lamp.pdb "$here/"
