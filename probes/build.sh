#!/bin/sh
# Builds every probe's object from its source, the same bytes on every machine with Debian 12's clang 14 and libbpf-dev.
# Usage: build.sh [OUTPUT-FOLDER]; without one, each object is put beside its source.
set -eu
cd "$(dirname "$0")"
for source in */*.bpf.c; do
	name=$(basename "$source" .bpf.c)
	object=${source%.c}.o
	[ $# -eq 0 ] || object=$1/$name.bpf.o
	# paths are given relatively, and debug information is stripped: the object tells nothing of where it was built
	${CLANG:-clang} -g -O2 -Wall -Werror -mcpu=v3 -target bpf -fdebug-prefix-map="$PWD"=. \
		-I"/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object"
	${LLVM_STRIP:-llvm-strip} -g "$object"
done
