#!/bin/sh
# In the place of ffmpeg, as a user's script may be: runs $AT_OPEN when a video is opened, and $IN_RUN
# when its frames are wanted. The real one is $FFMPEG.
case "$*" in
*rawvideo*) eval "$IN_RUN" ;;
*) eval "$AT_OPEN" ;;
esac
