# Bash completion; bash-completion loads it by the command's name.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/nuncioctl
