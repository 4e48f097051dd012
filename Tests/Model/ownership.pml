/* Who owns a conversation: leases, claims, journal, reaping, rejoin. One session, one participant, two processes.
 *
 * Every `atomic` that touches the row or the journal is one transaction or one statement of the store. What happens in
 * two steps there happens in two steps here, and a process may stop, die or be cut off between any two. Time is what
 * may happen: a lease may be past when its process could not renew it; a healthy process always renews in time.
 *
 * A rule that can be taken out is guarded by NO_…: check.py takes out one after the other, and each time the checker has
 * to find a counterexample. FAULTS says how many things may go wrong, in any order. */

#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef TURNS
#define TURNS 1
#endif
#define N 2
#define NOBODY 2

mtype = { SCHEDULED, ACTIVE, INTERRUPTED, ENDED };

/* --- the store ------------------------------------------------------------------------------------------------ */
mtype state = SCHEDULED;
byte owner = NOBODY;
byte epoch = 0;
bool byReaper = false;          /* the end is only the reaper's: nobody came back */
bool past[N];                   /* the instance's lease_until lies behind the store's clock */
byte changed[N];                /* raised by whoever changes a session that names this instance */
bool up = true;                 /* the store answers */
bool fresh[N] = true;           /* has renewed since the store was last away */
byte journal = 0;               /* participant's turns 1…journal are in it */
byte writer = 0;                /* epoch under which the last of them was written: part of its key */
byte answers = 0;               /* agent's turns 1…answers */
byte flying[N];                 /* a transaction under way: its epoch, 0 for none; it may arrive after its sender forgot it */
byte flyingTurn[N];

/* --- the processes -------------------------------------------------------------------------------------------- */
bool dead[N];
bool frozen[N];
bool cut[N];                    /* the store does not reach this one */
bool runs[N];                   /* the session is in memory */
byte at[N];                     /* its epoch there */
byte fed[N];                    /* turns that its provider was given */
byte answered[N];               /* turns that its provider has answered */
byte written[N];                /* turns that it knows to be committed */
byte said[N];                   /* answers that it knows to be committed */
byte seen[N];                   /* value of `changed` at its last renewal */
byte settledAt[N];              /* value of `changed` whose SELECT has succeeded */
bool unwell[N];                 /* was frozen or cut off, alone, since its last renewal */
bool due[N];                    /* a SELECT of my rows is due */
byte hand[N];                   /* epoch of a claim that has committed and is not running yet */
/* A file that outlives the process. */
bool spooled[N]; byte spoolEpoch[N]; byte spoolFrom[N]; byte spoolTo[N]; bool spoolEnd[N];

/* --- the participant ------------------------------------------------------------------------------------------ */
byte spoken = 0;                /* turns so far; what is not acknowledged is in its memory */
byte acked = 0;
byte conn = NOBODY;             /* connected to, directly or by a relay */
byte asks = NOBODY;             /* waits at this door */
byte known = 0;                 /* epoch of its token */
bool over = false;              /* told that the interview has ended */
bool left = false;              /* said leave, and was told goodbye */
bool gone = false;              /* closed the page and never comes back */
bool lateEnd = false;           /* the goodbye was said by somebody who had been overtaken without knowing it */

byte faults = 0;

#define ok(p) (!dead[p] && !frozen[p])
#define reaches(p) (ok(p) && up && !cut[p])
#define mine(p) (owner == p && epoch == at[p])
/* The living are not buried: who was neither frozen nor cut off and runs it. One that was, for longer than the rejoin
 * window, may find its row ended, and takes it back. */
#define isWell(p) (reaches(p) && runs[p] && mine(p) && !unwell[p])
#define away (over || left || gone)

/* --- the rules ------------------------------------------------------------------------------------------------ */
/* Own lease renewed for 20 s, each retry at most 3 s late: whoever lives and reaches the store has renewed as well. */
#ifndef NO_TWENTY_SECONDS
#define settledFor20s ((fresh[0] || !reaches(0)) && (fresh[1] || !reaches(1)))
#else
#define settledFor20s true
#endif
/* A row that names me and that I do not run is a stray, unless it is on its way in or out. */
#ifndef NO_CLAIM_IN_HAND
#define claimInHand(p) (hand[p] != 0 && owner == p && epoch == hand[p])
#else
#define claimInHand(p) false
#endif
#ifndef NO_END_IN_SPOOL
#define noEndInSpool(p) (!spooled[p])
#else
#define noEndInSpool(p) true
#endif
/* The claim's own conditions. */
#ifndef NO_STATE_IN_CLAIM
#define notEnded (state != ENDED)
#else
#define notEnded true
#endif
#ifndef NO_CONNECTION_IN_CLAIM
#define stillThere(p) (asks == p)
#else
#define stillThere(p) true
#endif
/* An owner whose SELECT may still be due may still take its row back. */
#ifndef NO_SELECT_BEFORE_END
#define noSelectIsDue (owner == NOBODY || past[owner] || settledAt[owner] == changed[owner])
#else
#define noSelectIsDue true
#endif
/* The fence of a journal transaction. */
#ifndef NO_EPOCH_IN_APPEND
#define fence(p) (owner == p && epoch == flying[p])
#else
#define fence(p) (owner == p)
#endif
#ifndef NO_EPOCH_IN_SPOOL
#define spoolIsMine(p) (owner == p && epoch == spoolEpoch[p])
#else
#define spoolIsMine(p) (owner == p)
#endif
/* The owner that the row names is asked, whatever state the row shows. */
#ifndef NO_QUESTION_TO_THE_OWNER
#define asksOwner(s) true
#else
#define asksOwner(s) (s == ACTIVE)
#endif
/* An agent's turn waits for the record of the participant's turn that it answers. */
#ifndef NO_ANSWER_WAITS
#define turnIsWritten(p) (said[p] < written[p])
#else
#define turnIsWritten(p) true
#endif
#ifndef NO_COMMIT_BEFORE_ACK
#define durable(p) written[p]
#else
#define durable(p) fed[p]
#endif

/* --- steps ---------------------------------------------------------------------------------------------------- */

inline journalTurn(t, under) { assert(t == journal + 1); journal = t; writer = under }
inline journalAnswer(t) { assert(t == answers + 1); answers = t }

inline forget(p) {
    runs[p] = false; at[p] = 0; fed[p] = 0; answered[p] = 0; written[p] = 0; said[p] = 0;
    if :: conn == p -> conn = NOBODY :: else fi
}

/* VoiceSession.takenOver: its uncommitted records become late ones, the participant is sent away with 1012. One loses a
 * conversation to a later claim only, never to a reaper. */
inline loseSession(p) {
    assert(epoch > at[p]);
    if
    :: fed[p] > written[p] && !spooled[p] ->
        spooled[p] = true; spoolEpoch[p] = at[p]; spoolFrom[p] = written[p]; spoolTo[p] = fed[p]
    :: else
    fi;
    forget(p)
}

proctype Process(byte p) {
    byte o = NOBODY; byte e = 0; byte base = 0; byte baseAnswers = 0; mtype s = SCHEDULED; bool yes = false;
end:
    do
    /* InstanceLease.renew, every 2 s: enabled where it changes something. */
    :: atomic { reaches(p) && (past[p] || !fresh[p] || unwell[p] || seen[p] != changed[p]) ->
        if :: past[p] || seen[p] != changed[p] -> due[p] = true :: else fi;
        past[p] = false; fresh[p] = true; unwell[p] = false; seen[p] = changed[p] }
#ifdef NO_SELECT_UNTIL_IT_SUCCEEDS
    :: atomic { due[p] && ok(p) && !reaches(p) -> due[p] = false; settledAt[p] = seen[p] }
#endif
    /* SessionSupervisor.settleOwnership: SELECT of all rows that name me or that I hold. */
    :: atomic { due[p] && reaches(p) ->
        if
        :: (runs[p] && mine(p)) || claimInHand(p) ->
            if
            :: state == INTERRUPTED || (state == ENDED && byReaper) ->
#ifndef NO_TAKE_BACK
                state = ACTIVE; byReaper = false
#else
                skip
#endif
            :: else
            fi
        :: runs[p] && !mine(p) -> loseSession(p)
        :: !runs[p] && !claimInHand(p) && owner == p && state == ACTIVE && noEndInSpool(p) ->
#ifndef NO_RELEASE_OF_STRAYS
            /* Nobody undoes a claim of its own that still has somebody waiting. */
            assert(hand[p] != epoch);
            state = INTERRUPTED; owner = NOBODY
#else
            skip
#endif
        :: else
        fi;
        due[p] = false; settledAt[p] = seen[p] }

    /* VoiceSession.commit: the transaction leaves as one message. */
    :: atomic { runs[p] && reaches(p) && fed[p] > written[p] && flying[p] == 0 && !spooled[p] ->
        flying[p] = at[p]; flyingTurn[p] = written[p] + 1 }
    /* Its answer is lost: asked again under the same key, a record that is there with the same content is a success. */
    :: atomic { runs[p] && reaches(p) && flying[p] == 0 && mine(p) && written[p] < fed[p] && journal > written[p] ->
        written[p] = journal }
    /* The provider answers what it was given; the answer is heard. */
    :: atomic { runs[p] && ok(p) && answered[p] < fed[p] -> answered[p]++ }
    :: atomic { runs[p] && reaches(p) && said[p] < answered[p] && turnIsWritten(p) ->
        if
        :: mine(p) -> journalAnswer(said[p] + 1); said[p]++
        :: else -> loseSession(p)
        fi }
    /* SessionLifecycle.awayTooLong: nobody comes back any more. */
    :: atomic { runs[p] && reaches(p) && away && mine(p) && fed[p] == written[p] && said[p] == answered[p] &&
            answered[p] == fed[p] && flying[p] == 0 ->
        state = ENDED; byReaper = true; forget(p) }

    /* SpoolSettling: records of a fenced owner are late, those of the row's owner belong to the conversation. The file
     * of a dead process is settled by the next start on its folder. */
    :: atomic { spooled[p] && up && (dead[p] || reaches(p)) && flying[p] == 0 ->
        if
        :: spoolIsMine(p) ->
            if
            /* Its key is there already. */
            :: spoolFrom[p] < spoolTo[p] && spoolFrom[p] < journal && writer == spoolEpoch[p] -> spoolFrom[p]++
            :: spoolFrom[p] < spoolTo[p] && !(spoolFrom[p] < journal && writer == spoolEpoch[p]) ->
                journalTurn(spoolFrom[p] + 1, spoolEpoch[p]); spoolFrom[p]++
            :: else
            fi;
            if
            :: spoolTo[p] == spoolFrom[p] && spoolEnd[p] ->
#ifndef NO_END_OVERRIDES
                state = ENDED; byReaper = false
#else
                if :: state == ACTIVE -> state = ENDED; byReaper = false :: else fi
#endif
            :: else
            fi
        /* journal_late: only what a later claim has overtaken. */
        :: else ->
            assert(epoch > spoolEpoch[p]); lateEnd = lateEnd || spoolEnd[p]; spoolFrom[p] = spoolTo[p]
        fi;
        if
        :: spoolFrom[p] == spoolTo[p] ->
            spooled[p] = false; spoolEpoch[p] = 0; spoolFrom[p] = 0; spoolTo[p] = 0; spoolEnd[p] = false
        :: else
        fi }

    /* The acceptor: somebody asks for this session here. In memory: the transport is replaced. */
    :: atomic { asks == p && ok(p) && runs[p] && known <= at[p] -> conn = p; asks = NOBODY; known = at[p] }
    /* Its token carries a higher epoch than mine: I am fenced. */
    :: atomic { asks == p && ok(p) && runs[p] && known > at[p] -> loseSession(p) }
    /* Not here: the row is read. */
    :: atomic { asks == p && reaches(p) && !runs[p] && hand[p] == 0 ->
        o = owner; e = epoch; s = state; base = journal; baseAnswers = answers };
       if
       :: atomic { o != NOBODY && o != p && ok(o) && runs[o] && at[o] == e && asksOwner(s) ->
            if :: asks == p && ok(p) -> conn = o; asks = NOBODY; known = at[o] :: else fi }
       :: atomic { else ->
            if
            :: s == ENDED ->
                /* 410. A reaper's end may be told only when nobody who answers still talks. */
                if
                :: asks == p && ok(p) ->
                    assert(!byReaper || !((ok(0) && runs[0] && mine(0)) || (ok(1) && runs[1] && mine(1))));
                    asks = NOBODY; over = true
                :: else
                fi
            :: else -> yes = true
            fi }
       fi;
       if
       :: !yes
       /* SessionStore.claim: one conditional UPDATE, and only while the one who asked is still there. */
       :: atomic { yes && reaches(p) && !past[p] ->
            if
            :: (owner == o && epoch == e && notEnded && stillThere(p)) ->
                /* Nothing is taken from somebody else's conversation for nobody, and nothing that is over begins again. */
                assert(asks == p && state != ENDED);
                epoch++; owner = p; state = ACTIVE; byReaper = false;
#ifndef NO_CHANGED
                if :: o != NOBODY && o != p -> changed[o]++ :: else fi;
#endif
                hand[p] = epoch
            :: else -> if :: asks == p -> asks = NOBODY :: else fi
            fi }
       :: atomic { yes && (dead[p] || past[p]) -> if :: asks == p -> asks = NOBODY :: else fi }
       fi;
       atomic { o = NOBODY; e = 0; s = SCHEDULED; yes = false;
#ifndef NO_READ_AFTER_CLAIM
           base = 0; baseAnswers = 0
#endif
       }
    /* The claim's answer is lost with the connection: it may have committed. */
    :: atomic { hand[p] != 0 && ok(p) && !reaches(p) ->
        hand[p] = 0;
#ifndef NO_SELECT_AFTER_LOST_ANSWER
        due[p] = true;
#endif
        if :: asks == p -> asks = NOBODY :: else fi }
    /* Read the journal in a transaction of its own, and compare (owner, epoch) again. */
    :: atomic { hand[p] != 0 && reaches(p) ->
        if
        :: owner == p && epoch == hand[p] ->
#ifndef NO_READ_AFTER_CLAIM
            base = journal; baseAnswers = answers;
#endif
            runs[p] = true; at[p] = hand[p]; fed[p] = base; written[p] = base;
            answered[p] = baseAnswers; said[p] = baseAnswers;
            if :: asks == p -> conn = p; asks = NOBODY; known = at[p] :: else fi
        :: else -> if :: asks == p -> asks = NOBODY :: else fi
        fi;
        hand[p] = 0; base = 0; baseAnswers = 0 }

    /* Reaper.interrupt and Reaper.end: any process, all at once. */
    :: atomic { reaches(p) && !past[p] && fresh[p] && settledFor20s && state == ACTIVE && owner != NOBODY && past[owner] ->
        assert(!isWell(owner));
        state = INTERRUPTED;
#ifndef NO_CHANGED_BY_REAPER
        changed[owner]++;
#endif
#ifdef NO_OWNER_KEPT
        owner = NOBODY
#endif
        }
    :: atomic { reaches(p) && !past[p] && fresh[p] && settledFor20s && state == INTERRUPTED && noSelectIsDue ->
        assert(owner == NOBODY || !isWell(owner));
        state = ENDED; byReaper = true }
    od
}

/* --- the store receives what is under way --------------------------------------------------------------------- */
proctype Transaction(byte p) {
    bool passed = false;
end:
    do
    /* SELECT … FOR NO KEY UPDATE of the row, the records, COMMIT: nobody changes the row between. */
#ifndef NO_ROW_LOCK
    :: atomic { flying[p] != 0 && up ->
        passed = fence(p);
        if
        :: passed && !(journal >= flyingTurn[p] && writer == flying[p]) -> journalTurn(flyingTurn[p], flying[p])
        :: else
        fi;
        if
        :: reaches(p) && runs[p] && at[p] == flying[p] ->
            if :: passed -> written[p] = flyingTurn[p] :: else -> loseSession(p) fi
        :: else
        fi;
        flying[p] = 0; flyingTurn[p] = 0; passed = false }
#else
    :: atomic { flying[p] != 0 && up && fence(p) -> passed = true };
       atomic { journalTurn(flyingTurn[p], flying[p]);
        if :: reaches(p) && runs[p] && at[p] == flying[p] -> written[p] = flyingTurn[p] :: else fi;
        flying[p] = 0; flyingTurn[p] = 0; passed = false }
    :: atomic { flying[p] != 0 && up && !fence(p) ->
        if :: reaches(p) && runs[p] && at[p] == flying[p] -> loseSession(p) :: else fi;
        flying[p] = 0; flyingTurn[p] = 0 }
#endif
    od
}

/* --- the participant ------------------------------------------------------------------------------------------ */
active proctype Participant() {
end:
    do
    :: atomic { !away && spoken < TURNS -> spoken++ }
    /* Sound reaches the owner's provider; what was forgotten cannot be sent again. */
    :: atomic { conn != NOBODY && ok(conn) && runs[conn] && fed[conn] < spoken ->
        assert(fed[conn] >= acked);
        fed[conn]++ }
    /* `ack` never passes a turn that is not committed. */
    :: atomic { conn != NOBODY && ok(conn) && runs[conn] && durable(conn) > acked -> acked = durable(conn) }
    /* Nothing for 3 s. */
    :: atomic { conn != NOBODY && (!ok(conn) || !runs[conn]) -> conn = NOBODY }
    :: atomic { asks != NOBODY && !ok(asks) -> asks = NOBODY }
    /* The general address: any process that is up. The first join is at 0, which makes no difference but saves states. */
    :: atomic { conn == NOBODY && asks == NOBODY && !away && reaches(0) -> asks = 0 }
    :: atomic { conn == NOBODY && asks == NOBODY && !away && reaches(1) && (epoch > 0 || dead[0]) -> asks = 1 }
    /* Leaves when everything has been said. */
    :: atomic { conn != NOBODY && ok(conn) && runs[conn] && spoken == TURNS && fed[conn] == TURNS && !away &&
            !spooled[conn] ->
        left = true;
        spooled[conn] = true; spoolEpoch[conn] = at[conn]; spoolFrom[conn] = written[conn]; spoolTo[conn] = fed[conn];
        spoolEnd[conn] = true;
        forget(conn) }
    :: away -> break
    od
}

/* --- what goes wrong ------------------------------------------------------------------------------------------ */
active proctype Trouble() {
    byte p;
end:
    do
    :: atomic { faults < FAULTS ->
        if :: p = 0 :: p = 1 fi;
        if
        :: !dead[p] && !dead[1 - p] ->
            dead[p] = true; frozen[p] = false; faults++;
            if :: conn == p -> conn = NOBODY :: else fi;
            runs[p] = false; at[p] = 0; fed[p] = 0; answered[p] = 0; written[p] = 0; said[p] = 0;
            hand[p] = 0; due[p] = false
        :: ok(p) -> frozen[p] = true; unwell[p] = true; faults++
        :: ok(p) && !cut[p] -> cut[p] = true; unwell[p] = true; faults++
        :: up -> up = false; fresh[0] = false; fresh[1] = false; faults++
        :: !away -> gone = true; asks = NOBODY; conn = NOBODY; faults++
        :: faults = FAULTS
        fi;
        p = 0 }
    od
}

/* What heals, and what time does meanwhile. */
active proctype Time() {
    do
    :: atomic { !past[0] && (dead[0] || frozen[0] || cut[0] || !up) -> past[0] = true }
    :: atomic { !past[1] && (dead[1] || frozen[1] || cut[1] || !up) -> past[1] = true }
    :: atomic { frozen[0] -> frozen[0] = false }
    :: atomic { frozen[1] -> frozen[1] = false }
    :: atomic { cut[0] -> cut[0] = false }
    :: atomic { cut[1] -> cut[1] = false }
    :: atomic { !up -> up = true }
    /* Nothing else can happen: what has become of it all? */
    :: atomic { timeout ->
        /* Nobody is left in a room without an interviewer, and nobody interviews for nobody. */
        assert(away);
        assert(!runs[0] && !runs[1]);
        /* A row says what happened. */
        assert(state == ENDED || (gone && state == SCHEDULED));
        assert(!left || lateEnd || !byReaper);
        /* Nothing that was said is lost. */
        assert(!left || lateEnd || journal == TURNS);
        break }
    od
}

init { atomic { run Process(0); run Process(1); run Transaction(0); run Transaction(1) } }
