#!/bin/sh
# Plays a worker that was taken over: see liar.rs. The pool starts it with an empty environment, under a name that says
# how it lies, beside a link to the tests.
ASSETD_TEST_LIE=${0##*/} exec "${0%/*}/tests" --exact unit::worker::liar::plays_a_worker_that_was_taken_over --nocapture
