/* SPDX-License-Identifier: MIT */
/*
 * The op `echo` answers its own data: the smallest useful module, and the first file to read before
 * you write one. What it shows: the descriptor at the end, a command with its handler, and that a
 * handler runs on the logic thread and answers its request exactly once.
 */
#include <nuncio/request.h>

static void on_echo(struct nuncio_request *rq, void *user)
{
	(void)user;
	nuncio_reply(&rq, 200, nuncio_request_data(rq));
}

/* Kept by reference, so static. No fields are declared: anything that is a JSON object may come. */
static const struct nuncio_command echo_command = {
	.size = sizeof echo_command,
	.op = "echo",
	.help = "Answers its own data.",
	.fn = on_echo,
	.answer = "{*: any}",
};

static int echo_init(struct nuncio_module *self, struct nuncio_error *err)
{
	int rc = nuncio_command_add(self, &echo_command, NULL);
	if (rc < 0)
		nuncio_error_set(err, "the op echo cannot be added: %s", nuncio_status_name(rc));
	return rc;
}

/*
 * The one symbol that a module exports. What init has registered is undone by the server, so there
 * is nothing to clean up.
 */
NUNCIO_MODULE(
	"echo", .version = "1.0", .summary = "The op echo answers its own data.", .init = echo_init)
