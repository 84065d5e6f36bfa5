/* SPDX-License-Identifier: MIT */

/* nunciod: reads the command line, then does what it asks for. Everything else is in server.c. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <nuncio/module.h>

#include "config.h"
#include "server.h"

#ifndef NUNCIO_CONFIG_FILE
#define NUNCIO_CONFIG_FILE "/etc/nuncio/nuncio.ini"
#endif

enum {
	OPT_CHECK = 256,
	OPT_SHOW_CONFIG,
	OPT_SHOW_HOOKS,
	OPT_SHOW_OPENAPI,
	OPT_HELP_CONFIG,
	OPT_MODULES
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "show-config", no_argument, NULL, OPT_SHOW_CONFIG },
	{ "show-hooks", no_argument, NULL, OPT_SHOW_HOOKS },
	{ "show-openapi", no_argument, NULL, OPT_SHOW_OPENAPI },
	{ "help-config", optional_argument, NULL, OPT_HELP_CONFIG },
	{ "module-path", required_argument, NULL, OPT_MODULES },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void print_help(void)
{
	puts("nunciod, an instant-messaging server\n"
	     "\n"
	     "  --config FILE         read FILE (" NUNCIO_CONFIG_FILE ")\n"
	     "  --check               check configuration and modules, then exit\n"
	     "  --show-config         print all values in force and where they come from\n"
	     "  --show-hooks          print which module listens to which hook, in order\n"
	     "  --show-openapi        print the API document, as /openapi.json is\n"
	     "  --help-config[=ini]   print all options; with =ini as a commented file\n"
	     "  --module-path FOLDER  modules that --help-config describes\n"
	     "  --version             print versions\n"
	     "  --help                print this\n"
	     "\n"
	     "Runs in the foreground. SIGTERM stops, SIGHUP reloads. Exit status: 0 stopped, 1 could not start,\n"
	     "64 wrong command line, 78 wrong configuration.");
}

enum { EXIT_BAD_USAGE = 64 }; /* sysexits.h EX_USAGE */

int main(int argc, char **argv)
{
	struct server_arguments arguments = { .config = NUNCIO_CONFIG_FILE, .task = SERVER_RUN };
	const char *module_path = NULL, *config = NULL;
	int option, help = 0, help_as_ini = 0;
	while ((option = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments.config = config = optarg;
			break;
		case OPT_CHECK:
			arguments.task = SERVER_CHECK;
			break;
		case OPT_SHOW_CONFIG:
			arguments.task = SERVER_SHOW_CONFIG;
			break;
		case OPT_SHOW_HOOKS:
			arguments.task = SERVER_SHOW_HOOKS;
			break;
		case OPT_SHOW_OPENAPI:
			arguments.task = SERVER_SHOW_OPENAPI;
			break;
		case OPT_HELP_CONFIG:
			help = 1;
			help_as_ini = optarg && strcmp(optarg, "ini") == 0;
			break;
		case OPT_MODULES:
			module_path = optarg;
			break;
		case 'V':
			printf("nunciod %s, module ABI %d.%d\n", PACKAGE_VERSION, NUNCIO_ABI_MAJOR,
				NUNCIO_ABI_MINOR);
			return 0;
		case 'h':
			print_help();
			return 0;
		default: /* getopt has said what it did not like */
			fputs("nunciod: see --help\n", stderr);
			return EXIT_BAD_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "nunciod: unexpected argument \"%s\"; see --help\n", argv[optind]);
		return EXIT_BAD_USAGE;
	}
	return help ? server_help_config(config, module_path, help_as_ini) : server_run(&arguments);
}
