/* SPDX-License-Identifier: MIT */
/* A shared object that is no module. */
int bad_no_descriptor(void);

int bad_no_descriptor(void)
{
	return 0;
}
