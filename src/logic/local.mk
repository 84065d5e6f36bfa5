noinst_LIBRARIES += src/liblogic.a
src_liblogic_a_SOURCES = \
	%D%/answered.c %D%/answered.h \
	%D%/bus_frame.c %D%/bus_frame.h \
	%D%/cluster.c %D%/cluster.h \
	%D%/control.c %D%/control.h \
	%D%/core_ops.c %D%/core_ops.h \
	%D%/deliver.c %D%/deliver.h \
	%D%/editing.c %D%/editing.h \
	%D%/event.c %D%/event.h \
	%D%/fields.c %D%/fields.h \
	%D%/health.c %D%/health.h \
	%D%/joining.c %D%/joining.h \
	%D%/kinds.c %D%/kinds.h \
	%D%/live.c %D%/live.h \
	%D%/logic.c %D%/logic.h \
	%D%/login.c %D%/login.h \
	%D%/marks.c %D%/marks.h \
	%D%/miss.c %D%/miss.h %D%/miss_all.c %D%/miss_all.h \
	%D%/op.c %D%/op.h \
	%D%/openapi.c %D%/openapi.h %D%/openapi_private.h \
	%D%/openapi_answer.c \
	%D%/openapi_input.c \
	%D%/reach.c %D%/reach.h \
	%D%/request_input.c %D%/request_input.h \
	%D%/requests.c %D%/requests.h %D%/requests_end.c %D%/requests_private.h \
	%D%/route.c %D%/route.h \
	%D%/router.c %D%/router.h \
	%D%/send.c %D%/send.h \
	%D%/session.c %D%/session.h \
	%D%/shape.c %D%/shape.h \
	%D%/slots.c %D%/slots.h \
	%D%/tally.c %D%/tally.h \
	%D%/told.c %D%/told.h \
	%D%/trace.c %D%/trace.h \
	%D%/user.c %D%/user.h
