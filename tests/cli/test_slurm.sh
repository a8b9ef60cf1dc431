# scripts/slurm_train.sbatch: the limit comes near, the training saves, the job is queued again and goes on. srun and
# scontrol are stand-ins that do what Slurm's do here: start the program, and pass on the signal.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 1
mkdir bin
cat >bin/srun <<'END'
#!/bin/sh
echo "$*" >>srun.calls
while [ "${1#--}" != "$1" ]; do shift; done
env --default-signal=USR1 "$@" &
echo $! >step
wait $!
END
cat >bin/scontrol <<'END'
#!/bin/sh
echo "$*" >>scontrol.calls
END
chmod +x bin/*
PATH=$PWD/bin:$PATH
export PATH ANTIPHON SLURM_JOB_ID=7 SLURM_CPUS_PER_TASK=2
script=$1/../../scripts/slurm_train.sbatch

sh "$script" tiny.json --out run --train.epochs=100000 >out 2>err &
job=$!
until [ -e run/checkpoints/last.safetensors ]; do sleep 0.1; done
kill -USR1 "$(cat step)"
wait $job || { echo "the job fails:" && cat out err && exit 1; }
grep -qx 'requeue 7' scontrol.calls
grep -q -- '--mpi=pmix --cpus-per-task=2 .* train tiny.json --out run' srun.calls

# queued again, with fewer epochs, so that it comes to an end: it goes on and is not queued a third time
sh "$script" tiny.json --out run --train.epochs=1 >out 2>err
grep -qE "going on from run/checkpoints/last|nothing left" out
[ "$(wc -l <scontrol.calls)" = 1 ]

# what fails is not queued again
code=0
sh "$script" missing.json --out run2 >out 2>err || code=$?
[ "$code" != 0 ] && [ "$(wc -l <scontrol.calls)" = 1 ]
code=0
sh "$script" >out 2>err || code=$?
[ "$code" = 2 ]
