/*
 * revoke.pml: revocation with several CPUs (docs/kernel.md, "Several CPUs"), for spin.
 *
 * Slot 0 holds the capability that is revoked; the others may hold what descends from it, or strangers' capabilities. CPUs
 * check handles (a slot and the tag that it had) through lookaside buffers of their own, derive, move, delete, and fill free
 * slots; one more CPU revokes. Each of its steps takes the lock of the tables by itself, so that others come in between.
 *
 * Claimed: once revoke has returned, no check finds what descended from the capability before, on any CPU, cached or not,
 * whatever the slots hold by then; revoke kills at most as many as there were when it began, so that it has an end whatever
 * the others do; and nobody waits for ever.
 *
 * -DNO_MARK (whoever derives or moves does not heed that a slot is being revoked), -DMARK_ONLY (whoever derives heeds the mark,
 * and not that the slot is below one that is being revoked), -DEARLY_ACK (a lookaside buffer answers
 * before it has forgotten), -DSAME_TAG (an emptied slot keeps its tag), -DKEEP_WALK (an invalidation does not stop a walk
 * under way) plant one fault each; spin has to find an error in every one.
 */
#define CPUS 2          /* besides the one that revokes */
#ifndef SLOTS
#define SLOTS 4
#endif
#ifndef WORK
#define WORK 1          /* operations of each CPU */
#endif
#define NOBODY 255

/* The tables. */
bool valid[SLOTS], marked[SLOTS];
byte tag[SLOTS], parent[SLOTS];
bool lock;              /* of the slots that an operation changes; the model has one for all */

/* Lookaside buffers of one line, and walks under way. */
bool line_live[CPUS], walk_killed[CPUS];
byte line_slot[CPUS], line_tag[CPUS];

/* An invalidation: who sends one holds `lock`. */
bool asked[CPUS];
byte asked_slot;

bool revoked;           /* revoke has returned */

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

/* The hardware of a CPU forgets a slot, and then says so. */
inline forget(me)
{
    if :: line_slot[me] == asked_slot -> line_live[me] = false :: else fi
}

proctype Unit(byte me)
{
end:
    do
    :: atomic { asked[me] ->
#ifndef KEEP_WALK
        walk_killed[me] = true;
#endif
        }
#ifdef EARLY_ACK
        asked[me] = false;
        forget(me)
#else
        forget(me);
        asked[me] = false
#endif
    od
}

/* Sends the invalidation of a slot and waits for all answers. */
inline invalidate(at)
{
    atomic {
        asked_slot = at;
        asked[0] = true;
        asked[1] = true
    }
    !asked[0] && !asked[1]
}

/* From here on no walk finds the slot. */
inline vacate(at)
{
    d_step {
        valid[at] = false;
        marked[at] = false;
        parent[at] = NOBODY;
#ifndef SAME_TAG
        tag[at]++
#endif
    }
}

inline fill(at, from)
{
    d_step {
        parent[at] = from;
        valid[at] = true
    }
}

/* A free slot, or 0. */
inline free_slot(at)
{
    d_step {
        at = 1;
        do
        :: at < SLOTS && valid[at] -> at++
        :: else -> break
        od;
        if :: at == SLOTS -> at = 0 :: else fi
    }
}

/* Does the check of the handle say OK? By the line, else by a walk, whose result is used and kept unless it was killed. */
inline check(me, slot, itstag, good)
{
    if
    :: atomic { line_live[me] && line_slot[me] == slot && line_tag[me] == itstag -> good = true }
    :: else ->
        walk_killed[me] = false;
        good = valid[slot] && tag[slot] == itstag;
        atomic {
            if
            :: good && !walk_killed[me] ->
                line_slot[me] = slot;
                line_tag[me] = itstag;
                line_live[me] = true
            /* Looked up again, not to be kept. */
            :: good && walk_killed[me] -> good = valid[slot] && tag[slot] == itstag
            :: else
            fi
        }
    fi
}

#ifdef NO_MARK
#define MAY_MOVE(slot, itstag) (valid[slot] && tag[slot] == itstag)
#else
#define MAY_MOVE(slot, itstag) (valid[slot] && tag[slot] == itstag && !marked[slot])
#endif

/* Is the slot the root, or below it? */
#define BELOW(slot) (slot == 0 || parent[slot] == 0 || (parent[slot] != NOBODY && parent[parent[slot]] == 0) \
    || (parent[slot] != NOBODY && parent[parent[slot]] != NOBODY && parent[parent[parent[slot]]] == 0))

#if defined(NO_MARK) || defined(MARK_ONLY)
#define MAY_GIVE(slot, itstag) MAY_MOVE(slot, itstag)
#else
#define MAY_GIVE(slot, itstag) (MAY_MOVE(slot, itstag) && !(marked[0] && BELOW(slot)))
#endif

proctype Cpu(byte me)
{
    byte work = 0, at = 0, from = 1, child = 0;
    /* What it holds: at first both hold slot 1. `doomed`: had when revoke had not returned. */
    byte slot = 1, itstag = 0;
    bool good = false, doomed = true, late = false;
    do
    :: work < WORK ->
        work++;
        if
        :: check(me, slot, itstag, good);       /* derive, from what it holds */
            if
            :: good ->
                acquire();
                free_slot(at);
                if
                :: at != 0 && MAY_GIVE(slot, itstag) ->
                    fill(at, slot);
                    d_step { slot = at; itstag = tag[at]; doomed = !revoked }
                :: else
                fi;
                release()
            :: else
            fi
        :: acquire();                           /* derive from the root, which is there before and after */
            free_slot(at);
            if
            :: at != 0 && MAY_GIVE(0, 0) ->
                fill(at, 0);
                d_step { slot = at; itstag = tag[at]; doomed = !revoked }
            :: else
            fi;
            release()
        :: acquire();                           /* move what it holds; what was derived from it hangs on the new slot */
            free_slot(at);
            if
            :: at != 0 && MAY_MOVE(slot, itstag) ->
                d_step {
                    parent[at] = parent[slot];
                    valid[at] = true;
                    child = 1;
                    do
                    :: child < SLOTS -> if :: parent[child] == slot -> parent[child] = at :: else fi; child++
                    :: else -> break
                    od;
                    child = 0
                }
                from = slot;
                d_step { slot = at; itstag = tag[at] }
                vacate(from);
                invalidate(from)
            :: else
            fi;
            release()
        :: acquire();                           /* delete what it holds; what was derived from it is its parent's */
            if
            :: MAY_MOVE(slot, itstag) ->
                d_step {
                    child = 1;
                    do
                    :: child < SLOTS -> if :: parent[child] == slot -> parent[child] = parent[slot] :: else fi; child++
                    :: else -> break
                    od;
                    child = 0
                }
                vacate(slot);
                invalidate(slot)
            :: else
            fi;
            release()
        :: acquire();                           /* a stranger fills a free slot */
            free_slot(at);
            if :: at != 0 -> fill(at, NOBODY) :: else fi;
            release()
        fi
    :: else -> break
    od;
    /* It uses what it holds, before or after the end of revoke. */
    late = revoked;
    check(me, slot, itstag, good);
    assert(!(good && late && doomed));
    revoked;
    check(me, slot, itstag, good);
    assert(!(good && doomed))
}

/* A slot that descends from `of` directly, or 0. */
inline first_child(above, found)
{
    d_step {
        found = 1;
        do
        :: found < SLOTS && !(valid[found] && parent[found] == above) -> found++
        :: else -> break
        od;
        if :: found == SLOTS -> found = 0 :: else fi
    }
}

proctype Revoke()
{
    byte at = 0, child = 0, up = 0;
    byte left = 0;                              /* it may kill so many more */
    acquire();
    d_step {
        marked[0] = true;
        child = 1;
        do
        :: child < SLOTS -> if :: valid[child] && BELOW(child) -> left++ :: else fi; child++
        :: else -> break
        od;
        child = 0
    }
    release();
    do
    :: acquire();
        first_child(at, child);
        if
        :: child != 0 -> marked[child] = true; at = child; release()
        :: child == 0 && at != 0 ->
            release();                          /* whoever waits comes in here */
            acquire();
            up = parent[at];
            assert(left != 0);
            left--;
            vacate(at);
            invalidate(at);
            release();
            at = up
        :: child == 0 && at == 0 -> break
        fi
    od;
    atomic { marked[0] = false; revoked = true }
    release()
}

init
{
    byte slot;
    atomic {
        for (slot : 0 .. SLOTS - 1) { parent[slot] = NOBODY }
        valid[0] = true;
        fill(1, 0);
        run Unit(0);
        run Unit(1);
        run Cpu(0);
        run Cpu(1);
        run Revoke()
    }
}
