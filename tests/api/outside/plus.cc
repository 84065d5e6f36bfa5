// SPDX-License-Identifier: MIT
// A module in C++17: the headers are the same, callbacks are functions with C linkage or static members, and no
// exception leaves them. The op plus.sum adds, and remembers for each session; messages that shout are calmed down.
#include <nuncio/nuncio.h>

#include <cctype>
#include <memory>
#include <new>
#include <string>

namespace {

nuncio_str view(const std::string &text)
{
	return { text.data(), text.size() };
}

class Plus {
public:
	explicit Plus(nuncio_module *self) : self_(self) {}

	int add()
	{
		int rc = nuncio_command_add(self_, &sum_, this);
		if (rc == 0)
			rc = nuncio_slot_take(self_, NUNCIO_PER_SESSION, free_total, &totals_);
		if (rc == 0)
			rc = nuncio_hook_may_send(self_, NUNCIO_PRIO_REWRITE, on_may_send, this);
		calmed_ = nuncio_counter_new(self_, "calmed_total", nullptr, "Messages calmed down.");
		return rc;
	}

private:
	struct JsonFree {
		void operator()(nuncio_json *json) const { nuncio_json_free(&json); }
	};
	using Json = std::unique_ptr<nuncio_json, JsonFree>;

	static void free_total(void *total) { delete static_cast<int64_t *>(total); }

	static void on_sum(nuncio_request *rq, void *user)
	{
		auto *plus = static_cast<Plus *>(user);
		int64_t a = 0, b = 0;
		nuncio_request_int(rq, "a", &a);
		nuncio_request_int(rq, "b", &b);
		nuncio_session *session = nuncio_request_session(rq);
		auto *total = static_cast<int64_t *>(nuncio_slot_get(session, plus->totals_));
		if (!total) {
			total = new (std::nothrow) int64_t(0);
			nuncio_slot_set(session, plus->totals_, total);
		}
		*total += a + b;
		Json json(nuncio_json_new());
		nuncio_json_object_begin(json.get());
		nuncio_json_key(json.get(), "sum");
		nuncio_json_put_int(json.get(), a + b);
		nuncio_json_key(json.get(), "total");
		nuncio_json_put_int(json.get(), *total);
		nuncio_json_object_end(json.get());
		nuncio_reply(&rq, 200, nuncio_json_str(json.get()));
	}

	static nuncio_verdict on_may_send(nuncio_ask *ask, const nuncio_send *what, void *user)
	{
		std::string body(what->event->body.p, what->event->body.n);
		if (body.find("!!!") == std::string::npos)
			return NUNCIO_PASS;
		for (char &letter : body)
			letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
		nuncio_counter_add(static_cast<Plus *>(user)->calmed_, 1);
		if (nuncio_ask_set_body(ask, view(body)) < 0)
			return nuncio_reject(ask, NUNCIO_CODE_internal, "it cannot be calmed down");
		return NUNCIO_PASS;
	}

	static const nuncio_field fields_[];
	static const nuncio_command sum_;

	nuncio_module *self_;
	nuncio_slot *totals_ = nullptr;
	nuncio_counter *calmed_ = nullptr;
};

const nuncio_field Plus::fields_[] = {
	{ "a", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, -1000, 1000, "one" },
	{ "b", NUNCIO_FIELD_INT, NUNCIO_FIELD_REQUIRED, -1000, 1000, "another" },
	{},
};

const nuncio_command Plus::sum_ = {
	.size = sizeof(nuncio_command),
	.op = "plus.sum",
	.help = "Adds two numbers.",
	.fields = Plus::fields_,
	.field_size = sizeof(nuncio_field),
	.fn = Plus::on_sum,
};

int init(nuncio_module *self, nuncio_error *err)
{
	auto plus = std::unique_ptr<Plus>(new (std::nothrow) Plus(self));
	int rc = plus ? plus->add() : static_cast<int>(NUNCIO_E_FAIL);
	if (rc < 0)
		nuncio_error_set(err, "plus: %s", nuncio_status_name(rc));
	else
		nuncio_module_set_data(self, plus.release());
	return rc;
}

void fini(nuncio_module *self)
{
	delete static_cast<Plus *>(nuncio_module_data(self));
}

} // namespace

NUNCIO_MODULE("plus", .version = "1.0", .summary = "Adds.", .init = init, .fini = fini)
