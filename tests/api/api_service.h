/* SPDX-License-Identifier: MIT */
#ifndef API_SERVICE_H
#define API_SERVICE_H

#include <stdint.h>

#define API_TEST_V1 "api_test.v1"

struct api_test_v1 {
	uint32_t size, reserved;
	int (*twice)(void *impl, int number);
};

#endif
