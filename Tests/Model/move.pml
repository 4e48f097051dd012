/* A conversation moves to another process while both live: offer, preparation, commit, and the participant who
 * switches. The old owner (0) drains; two processes (1 and 2) may take the session, or claim it when the participant
 * comes by the general address.
 *
 * As in ownership.pml: an `atomic` that touches the row is one statement of the store, a process may stop or die
 * between any two, NO_… takes out a rule, and check.py expects a counterexample for each. A commit and a `next_ready`
 * are under way until the store receives them, also when their sender has given up meanwhile.
 *
 * Bounded: FAULTS of any kind in any order, TURNS, OFFERS, and only process 0 drains: a taker does not move on. A taker
 * that the store does not reach is a frozen one here. */

#ifndef FAULTS
#ifdef ONE_RULE_OUT
#define FAULTS 1                /* enough to miss any of them */
#else
#define FAULTS 2
#endif
#endif
#ifndef TURNS
#define TURNS 2
#endif
#ifndef OFFERS
#define OFFERS 2
#endif
#define OLD 0
#define NOBODY 3

/* --- the row -------------------------------------------------------------------------------------------------- */
byte owner = OLD;
byte epoch = 1;
bool ended = false;
byte jti = 0;                   /* move_jti; 0: no offer stands */
byte next = NOBODY;             /* next_owner; next_epoch_seen is 1, as only the first owner offers */
bool nextReady = false;
byte journal = 0;               /* participant's turns 1…journal are in it */
byte answers = 0;               /* and the answers to 1…answers */
bool past[4];                   /* lease_until of the instance */
byte flying = 0;                /* a commit under way: the jti that its sender saw, and what it flushes */
byte flyNext = NOBODY;
byte flyFed = 0; byte flyAns = 0;
byte flyReady[4];               /* a `next_ready` under way: the jti that its sender had prepared for */

/* --- the processes -------------------------------------------------------------------------------------------- */
bool dead[4];
bool frozen[4];
bool runs[4];                   /* the session is in memory, talking */
byte at[4];                     /* its epoch there */
byte fed[4];                    /* turns that its provider knows, given or from the journal */
byte ans[4];                    /* answers that it knows */
bool speaking = false;          /* the old owner is in the middle of an answer */
byte offered = 0;               /* the jti of the old owner's offer, and how many it has made */
byte offers = 0;
bool waiting = false;           /* its commit has left: nothing to provider or client */
bool doubt = false;             /* whose answer is lost */
bool cut = false;               /* the store does not reach it */
mtype = { NONE, PREPARING, READY };
mtype prep[4] = NONE;
byte prepJti[4];
bool claims[4];                 /* a claim is under way, for the connection that asked */

/* --- the participant ------------------------------------------------------------------------------------------ */
byte spoken = 0;
byte sentTo = 0;                /* turns sent over the connection that it talks on */
byte acked = 0;                 /* these it has forgotten */
byte with = OLD;                /* talks with, directly or by a relay */
byte second = NOBODY;           /* the second connection */
byte knock = NOBODY;            /* which is just being opened, with the token of this offer */
byte knockJti = 0;
byte asks = NOBODY;             /* waits at this door, by the general address */
byte token = 0;                 /* the offer that it was told of */
bool bye = false;               /* bye{moved} has come */
bool left = false;
byte heard = 0;                 /* answers that have begun to be heard */

byte faults = 0;
bool wasFrozen[4];
bool wasCut = false;
bool hurry = false;             /* the last 30 s: a commit at once, in the middle of an answer too */
bool excused = false;           /* an answer may be heard again: its speaker broke down, or was hurried */

#define ok(p) (!dead[p] && !frozen[p])
#define reaches(p) (ok(p) && (p != OLD || !cut))
#define mine(p) (owner == p && epoch == at[p])
#define isFirst (owner == OLD && epoch == 1 && !ended)

/* --- the rules ------------------------------------------------------------------------------------------------ */
/* The commit names the taker and the offer that its sender has seen. */
#ifndef NO_TAKER_SEEN
#define takerIsSeen (next == flyNext && jti == flying)
#else
#define takerIsSeen true
#endif
#ifndef NO_READY_BEFORE_COMMIT
#define isReady nextReady
#else
#define isReady true
#endif
#ifndef NO_TAKERS_LEASE
#define leaseHolds (!past[next])
#else
#define leaseHolds true
#endif
#ifndef NO_NEW_JTI
#define newJti offers
#else
#define newJti 1
#endif
#ifndef NO_SINGLE_USE
#define unused (next == NOBODY)
#else
#define unused true
#endif
/* A write of the taker is for the preparation that sent it, not for a later one of the same process: the epoch alone,
 * which it compares too, does not tell them apart. */
#ifndef NO_JTI_AT_THE_TAKER
#define sameOffer(p) (jti == flyReady[p])
#else
#define sameOffer(p) true
#endif
/* No answer in flight or owed. */
#ifndef NO_BOUNDARY
#define atBoundary (hurry || (!speaking && ans[OLD] == fed[OLD]))
#else
#define atBoundary true
#endif
/* 2 s, after which the commit has landed or never will: its statement timeout is shorter, its connection aborted. */
#ifndef NO_COMMIT_LANDS_IN_TIME
#define landed (flying == 0)
#else
#define landed true
#endif
/* And after which a healthy taker has polled and welcomed. */
#ifndef NO_WAIT_AFTER_LOST_COMMIT
#define twoSeconds (landed && !(ok(owner) && prep[owner] == READY) && \
    !(with == OLD && second != NOBODY && ok(second) && runs[second]))
#else
#define twoSeconds landed
#endif
/* From the commit's departure to its answer nothing goes to the provider or to the participant. */
#ifndef NO_SILENCE_WHILE_COMMITTING
#define silent waiting
#else
#define silent false
#endif
#ifndef NO_CLOSED_WHEN_NOT_NAMED
#define staysPrepared false
#else
#define staysPrepared true
#endif
#ifndef NO_ROW_READ_WHEN_ASKED
#define namedByRow(p) (prep[p] == READY)
#else
#define namedByRow(p) false
#endif

/* --- steps ---------------------------------------------------------------------------------------------------- */
inline clearOffer() { jti = 0; next = NOBODY; nextReady = false }
/* And it was the last, as another owner makes none here: whatever is still under way for it will be refused, now as
 * well as later (which saves states). */
inline clearLastOffer() {
    clearOffer(); knock = NOBODY; knockJti = 0; flyReady[1] = 0; flyReady[2] = 0;
    flying = 0; flyNext = NOBODY; flyFed = 0; flyAns = 0 }
inline unprepare(p) { prep[p] = NONE; prepJti[p] = 0 }
inline forget(p) {
    runs[p] = false; at[p] = 0; fed[p] = 0; ans[p] = 0;
    if :: p == OLD -> speaking = false; offered = 0; offers = 0; hurry = false :: else fi }

/* Nobody is there: what comes next is a `resend_from`. */
inline hangUp() { with = NOBODY; bye = false; sentTo = 0 }

/* VoiceSession.takenOver: 1012. */
inline lose(p) { forget(p); if :: with == p -> hangUp() :: else fi }

/* PreparedSession.takeOver: the journal's tail is read after the commit was seen. */
inline takeOver(p) {
    assert(!runs[p]);
    runs[p] = true; at[p] = epoch;
#ifndef NO_TAIL_READ_AFTER_COMMIT
    fed[p] = journal; ans[p] = answers;
#endif
    unprepare(p) }

/* `welcome{resumed, resend_from}` from p. */
inline welcomed(p) {
#ifndef NO_RESEND_FROM
    sentTo = fed[p];
#endif
    assert(fed[p] >= acked);
    with = p; asks = NOBODY; bye = false;
    if :: p != OLD -> second = NOBODY; token = 0 :: else fi }

/* Nobody is asked for the same answer twice, and what is heard answers what was said. */
inline answerBegins(p) {
    assert(ans[p] + 1 > heard || excused);
    if :: ans[p] + 1 > heard -> heard = ans[p] + 1 :: else fi }

proctype OldOwner() {
end:
    do
    /* VoiceSession.offerMove. */
    :: atomic { runs[OLD] && reaches(OLD) && !waiting && !doubt && offered == 0 && offers < OFFERS && isFirst &&
            with == OLD ->
        offers++; offered = newJti; jti = offered; next = NOBODY; nextReady = false; token = offered }
    /* VoiceSession.withdrawMove: the deadline, or the taker's lease past… */
#ifndef NO_OFFER_CLEARED_AT_DEADLINE
    :: atomic { runs[OLD] && reaches(OLD) && !waiting && !doubt && offered != 0 && offers < OFFERS && isFirst ->
        clearOffer(); offered = 0 }
#endif
    /* …or the taker has cleared it. */
    :: atomic { runs[OLD] && reaches(OLD) && !waiting && !doubt && offered != 0 && offers < OFFERS && isFirst &&
            jti == 0 ->
        offered = 0 }
    /* VoiceSession.commitMove: last flush and hand-over leave as one message. */
    :: atomic { runs[OLD] && reaches(OLD) && !waiting && !doubt && flying == 0 && offered != 0 && isFirst &&
            jti == offered && next != NOBODY && isReady && leaseHolds && atBoundary ->
        flying = offered; flyNext = next; waiting = true;
#ifndef NO_FLUSH_IN_THE_COMMIT
        flyFed = fed[OLD]; flyAns = ans[OLD]
#endif
        }
    /* Its answer: moved, bye{moved} (which nobody hears who is not there), or refused, and it goes on. */
    :: atomic { waiting && !doubt && flying == 0 && reaches(OLD) ->
        waiting = false;
        if
        :: isFirst
        :: else ->
            forget(OLD);
            if :: with == OLD -> bye = true :: else fi
        fi }
    /* Its answer is lost. After 2 s it goes on as before, but acks and journals nothing. */
    :: atomic { waiting && doubt && ok(OLD) && twoSeconds -> waiting = false }
#ifndef NO_SETTLING_AFTER_LOST_COMMIT
    /* VoiceSession.settleMove, at the next renewal: a commit that is still under way must not find its offer. */
    :: atomic { doubt && reaches(OLD) ->
        if
        :: isFirst ->
#ifndef NO_OFFER_CLEARED_AFTER_LOST_COMMIT
            clearOffer();
            if :: offers < OFFERS -> offered = 0 :: else fi
#else
            skip
#endif
        :: else -> lose(OLD)
        fi;
        waiting = false; doubt = false }
#endif
    /* It keeps its socket open after the commit, until the participant has gone or 2 s are over; only then it exits. */
#ifdef NO_OLD_SOCKET_KEPT
    :: atomic { with == OLD && !runs[OLD] && ok(OLD) -> hangUp() }
#endif
    /* An answer takes its time. */
    :: atomic { runs[OLD] && ok(OLD) && !silent && with == OLD && ans[OLD] < fed[OLD] && !speaking ->
        answerBegins(OLD); speaking = true }
    :: atomic { speaking && ok(OLD) && !silent -> speaking = false; ans[OLD]++ }
    od
}

proctype Process(byte p) {
    byte o = NOBODY; byte e = 0;
end:
    do
    /* SessionStore.prepareMove: where move_jti matches, once. */
    :: atomic { knock == p && ok(p) && !past[p] ->
        if
        :: jti == knockJti && unused && !runs[p] ->
            /* Nobody prepares on the offer of somebody who does not hold it any more. */
            assert(isFirst);
            next = p; nextReady = false; prep[p] = PREPARING; prepJti[p] = jti;
            if :: !left && (with == OLD || with == NOBODY) -> second = p :: else fi
        :: else
        fi;
        knock = NOBODY; knockJti = 0 }
    /* PreparedSession.open: provider open, journal loaded; SessionStore.setReady leaves. */
    :: atomic { prep[p] == PREPARING && ok(p) && flyReady[p] == 0 ->
        prep[p] = READY; flyReady[p] = prepJti[p];
#ifdef NO_TAIL_READ_AFTER_COMMIT
        fed[p] = journal; ans[p] = answers
#endif
        }
    /* PreparedSession.poll: it is mine. */
    :: atomic { prep[p] == READY && ok(p) && owner == p && !ended -> takeOver(p) }
    /* PreparedSession.poll: not named any more. */
    :: atomic { !staysPrepared && prep[p] != NONE && ok(p) && (owner != p || ended) &&
            (next != p || jti != prepJti[p]) ->
        unprepare(p); if :: second == p -> second = NOBODY :: else fi }
    /* PreparedSession.giveUp: the second connection gone, the deadline past, or it drains itself. It clears the offer
     * first, the jti too as the token has been used, and closes only then. */
    :: atomic { prep[p] != NONE && ok(p) && next == p && jti == prepJti[p] ->
#ifndef NO_CLEARED_BEFORE_CLOSING
        next = NOBODY; nextReady = false;
#ifndef NO_JTI_CLEARED_BY_GIVING_UP
        jti = 0;
#endif
#endif
        unprepare(p); if :: second == p -> second = NOBODY :: else fi }

    /* The acceptor, by the general address. */
    :: atomic { asks == p && ok(p) && runs[p] && mine(p) -> welcomed(p) }
    :: atomic { asks == p && ok(p) && !runs[p] && !ended && e == 0 ->
        if
        /* The owner that the row names is asked, itself included; it reads the row, not its memory. */
        :: ok(owner) && runs[owner] && at[owner] == epoch -> welcomed(owner)
        :: ok(owner) && !runs[owner] && namedByRow(owner) -> takeOver(owner); welcomed(owner)
        :: else -> o = owner; e = epoch; claims[p] = true
        fi }
    /* SessionStore.claim. */
    :: atomic { e != 0 && ok(p) && !past[p] ->
        if
        :: owner == o && epoch == e && !ended && asks == p ->
            /* Nobody takes a conversation from a process that was given it and is well. */
            assert(!(ok(owner) && !wasFrozen[owner] && (runs[owner] || prep[owner] == READY)));
            owner = p; epoch++;
#ifndef NO_OFFER_CLEARED_BY_CLAIM
            clearLastOffer();
#endif
#ifndef NO_PREPARED_ENDS_WITH_CLAIM
            unprepare(p);
#endif
            runs[p] = true; at[p] = epoch; fed[p] = journal; ans[p] = answers; welcomed(p)
        :: else -> if :: asks == p -> asks = NOBODY :: else fi
        fi;
        o = NOBODY; e = 0; claims[p] = false }
    :: atomic { e != 0 && dead[p] -> o = NOBODY; e = 0; claims[p] = false }

    /* The new owner answers. */
    :: atomic { runs[p] && ok(p) && with == p && ans[p] < fed[p] -> answerBegins(p); ans[p]++ }
    od
}

/* What all of them do. */
proctype Session(byte p) {
end:
    do
    /* VoiceSession.commit: refused to who has been overtaken. */
    :: atomic { runs[p] && reaches(p) && !(p == OLD && (waiting || doubt)) &&
            (!mine(p) || journal < fed[p] || answers < ans[p]) ->
        if
        :: mine(p) && !ended -> assert(fed[p] >= journal && ans[p] >= answers); journal = fed[p]; answers = ans[p]
        :: else -> lose(p)
        fi }
    /* SessionStore.end: the participant leaves when all has been said. An interview is longer than a move: with the old
     * owner it ends only when the last offer has been made. */
    :: atomic { runs[p] && reaches(p) && !(p == OLD && (waiting || doubt)) && with == p && mine(p) && !ended &&
            ans[p] == TURNS && !(p == OLD && (speaking || offers < OFFERS)) ->
        journal = fed[p]; answers = ans[p]; ended = true;
#ifndef NO_OFFER_CLEARED_BY_END
        clearLastOffer();
#endif
        forget(p); left = true; hangUp(); second = NOBODY; asks = NOBODY; token = 0 }
    od
}

proctype Store() {
end:
    do
    /* SessionStore.commitMove lands. */
    :: atomic { flying != 0 ->
        if
        :: isFirst && takerIsSeen && next != NOBODY && isReady && leaseHolds ->
            /* Who is handed a conversation has prepared it, for this very offer, and was heard of lately. */
            assert(dead[next] || (prep[next] == READY && prepJti[next] == jti));
            assert(!past[next]);
            if :: flyFed > journal -> journal = flyFed :: else fi;
            if :: flyAns > answers -> answers = flyAns :: else fi;
            owner = next; epoch++; clearLastOffer()
        :: else
        fi;
        flying = 0; flyNext = NOBODY; flyFed = 0; flyAns = 0 }
    :: atomic { flying != 0 && doubt -> flying = 0; flyNext = NOBODY; flyFed = 0; flyAns = 0 }
    /* SessionStore.setReady lands. */
    :: atomic { flyReady[1] != 0 ->
        if :: next == 1 && epoch == 1 && sameOffer(1) -> nextReady = true :: else fi;
        flyReady[1] = 0 }
    :: atomic { flyReady[2] != 0 ->
        if :: next == 2 && epoch == 1 && sameOffer(2) -> nextReady = true :: else fi;
        flyReady[2] = 0 }
    od
}

proctype Participant() {
end:
    do
    :: atomic { !left && spoken < TURNS -> spoken++ }
    /* Its sound reaches the provider without a gap and without a repetition… */
    :: atomic { with != NOBODY && ok(with) && runs[with] && !(with == OLD && silent) && sentTo < spoken ->
        assert(sentTo == fed[with]);
        sentTo++; fed[with]++ }
    /* …or the void, while the old owner has moved it and the welcome has not come. */
    :: atomic { with == OLD && ok(OLD) && !runs[OLD] && sentTo < spoken -> sentTo++ }
    /* `ack`: it may be lost, and comes late. */
    :: atomic { with != NOBODY && ok(with) && runs[with] &&
#ifndef NO_ACK_WAITS
            !(with == OLD && (waiting || doubt)) && mine(with) && acked < journal -> acked = journal
#else
            acked < fed[with] && (with == OLD && waiting || acked < journal) -> acked = fed[with]
#endif
        }
    /* The second connection, again and again; an attempt that would be refused anyway is not shown. Process 1 and 2 are
     * alike, so that the first attempt is at 1. */
    :: atomic { with == OLD && !bye && second == NOBODY && knock == NOBODY && token != 0 && jti == token && unused &&
            (ok(1) || ok(2)) ->
        if :: ok(1) -> knock = 1 :: ok(2) && (offers > 1 || !ok(1)) -> knock = 2 fi;
        knockJti = token }
    :: atomic { knock != NOBODY && !ok(knock) ->
        knock = NOBODY; knockJti = 0 }
    :: atomic { second != NOBODY && dead[second] -> second = NOBODY }
    /* The welcome: it switches both directions and closes the old socket. */
    :: atomic { second != NOBODY && ok(second) && runs[second] -> welcomed(second) }
    /* Nothing for 3 s, or closed. */
    :: atomic { with != NOBODY && (!ok(with) || (with != OLD && !runs[with])) -> hangUp() }
    /* VoiceClient: no welcome in 2 s after bye{moved}, or the second connection is lost. */
#ifndef NO_REJOIN_AFTER_BYE
    :: atomic { bye && (second == NOBODY || !ok(second)) -> hangUp(); second = NOBODY }
#endif
    /* The general address. Where nothing has gone wrong, nobody needs it. A claim for an earlier connection of its own,
     * which it has closed, is not for this one. */
    :: atomic { with == NOBODY && asks == NOBODY && !left && ok(1) && !claims[1] -> assert(faults > 0); asks = 1 }
    :: atomic { with == NOBODY && asks == NOBODY && !left && ok(2) && !claims[2] -> assert(faults > 0); asks = 2 }
    :: atomic { asks != NOBODY && !ok(asks) -> asks = NOBODY }
    od
}

proctype Trouble() {
    byte p;
end:
    do
    :: atomic { faults < FAULTS && !left ->
        if :: p = 0 :: p = 1 :: p = 2 fi;
        if
        /* Somebody is always left who does not drain. */
        :: !dead[p] && (p == OLD || !dead[3 - p]) ->
            excused = excused || runs[p] || wasCut; dead[p] = true; frozen[p] = false; faults++;
            forget(p); unprepare(p);
            if :: p == OLD -> waiting = false; doubt = false; cut = false :: else fi
        :: ok(p) -> excused = excused || runs[p] || wasCut; frozen[p] = true; wasFrozen[p] = true; faults++
        :: p == OLD && ok(OLD) && !cut && runs[OLD] ->
            excused = excused || faults > 0; wasCut = true; cut = true; faults++;
            doubt = doubt || waiting
        :: p == OLD && !hurry && runs[OLD] -> hurry = true; excused = true; faults++
        /* The second connection is lost. */
        :: p != OLD && second == p -> excused = excused || wasCut; second = NOBODY; faults++
        /* The first one, or the one by the general address. */
        :: with == p -> excused = excused || wasCut; hangUp(); faults++
        /* VoiceSession.forceClose, at the drain's deadline. */
        :: p == OLD && runs[OLD] && reaches(OLD) && !waiting && !doubt && mine(OLD) ->
            excused = true; faults++;
            journal = fed[OLD]; answers = ans[OLD]; owner = NOBODY;
#ifndef NO_OFFER_CLEARED_BY_RELEASE
            clearLastOffer();
#endif
            lose(OLD)
        :: faults = FAULTS
        fi;
        p = 0 }
    :: atomic { frozen[0] -> frozen[0] = false }
    :: atomic { frozen[1] -> frozen[1] = false }
    :: atomic { frozen[2] -> frozen[2] = false }
    :: atomic { cut -> cut = false }
    :: atomic { !ok(1) && !past[1] -> past[1] = true }
    :: atomic { !ok(2) && !past[2] -> past[2] = true }
    :: atomic { ok(1) && past[1] -> past[1] = false }
    :: atomic { ok(2) && past[2] -> past[2] = false }
    :: atomic { timeout ->
        /* Everything that was said was written, answered and brought to its end, and nobody stays behind with it. */
        assert(ended && left && journal == TURNS && answers == TURNS);
        assert(!runs[0] && !runs[1] && !runs[2] && prep[1] == NONE && prep[2] == NONE);
        break }
    od
}

init { atomic { dead[NOBODY] = true; runs[OLD] = true; at[OLD] = 1;
    run OldOwner(); run Process(1); run Process(2); run Session(0); run Session(1); run Session(2);
    run Store(); run Participant(); run Trouble() } }
