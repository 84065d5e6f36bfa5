# See tests/local.mk. These need a built server and run by tests/run:
#	tests/scenario/run_scenarios.py --build DIR
#	tests/scenario/bad/run_bad.py --build DIR
#	tests/scenario/operate/run_operate.py --build DIR
#	tests/scenario/kill9.py --build DIR
#	tests/scenario/cluster_try.py --build DIR
#	tests/scenario/rolling.py --build DIR
#	tests/scenario/store_copy.py --build DIR
#	tests/scenario/mysql_start.py --build DIR
#	tests/scenario/mysql_faults.py --build DIR
#	tests/scenario/model.py --build DIR
#	tests/scenario/group_race.py --build DIR
EXTRA_DIST += tests/scenario
EXTRA_DIST += .ci/run contrib/quickstart tests/run tests/parts.py
