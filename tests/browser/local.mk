# SPDX-License-Identifier: MIT
# Needs a running server and Chromium, so it is not part of `make check`.
EXTRA_DIST += %D%/test_chat.py
