#!/bin/sh
# Makes the files that the bench corpus lacks, from one of its photographs: upsampled ones, from which `cjxl` (0.7) leaves out
# three samples of four when the quality is as low as this.
#
# usage: benches/make_files.sh [CORPUS] OUT_FOLDER        CORPUS is ../shared/bench if nothing is said
set -eu
if [ $# = 1 ]; then set -- "$(dirname "$0")/../../shared/bench" "$1"; fi
mkdir -p "$2"
djxl "$1/photo3_d05.jxl" "$2/photo3.png" --quiet
cjxl "$2/photo3.png" "$2/upsampled_2.jxl" -d 21 --container=0 --quiet
convert "$2/photo3.png" -alpha set -channel A -evaluate set 60% "$2/photo3_alpha.png"
cjxl "$2/photo3_alpha.png" "$2/upsampled_2_alpha.jxl" -d 21 --container=0 --quiet
rm "$2/photo3.png" "$2/photo3_alpha.png"
