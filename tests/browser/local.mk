# SPDX-License-Identifier: MIT
# Needs a running server and Chromium, so it is not part of `make check`.
EXTRA_DIST += %D%/run_browser.py %D%/test_chat.py
