"""A round of Flower's SecAgg or SecAgg+ in one process, in seconds of the processor by stage.

Server and clients are Flower's own: `SecAggWorkflow` and `SecAggPlusWorkflow` on one side, `secaggplus_mod` (which `secagg_mod` is) on
the other. Between them stands a grid that calls each client in turn, so that nothing waits and no network is measured. Clients that drop
out do so where those of Bauta do: they have shared their keys, and send no masked vector.
"""

import copy
import logging
import statistics
import time

import numpy as np
from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.common.secure_aggregation.crypto.symmetric_encryption import generate_shared_key
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Stage
from flwr.compat.common import recorddict_compat as compat
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.workflow import SecAggPlusWorkflow, SecAggWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD
from flwr.server.workflow.constant import Key as WorkflowKey
from flwr.serverapp.grid import Grid
from flwr.supercore.primitives.asymmetric import generate_key_pairs
from flwr.supercore.task_identity import TaskIdentity

logging.getLogger("flwr").setLevel(logging.ERROR)
# Messages carry them; here there is one process and no task.
TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 0, 1

STAGES = {
    "setup_stage": Stage.SETUP,
    "share_keys_stage": Stage.SHARE_KEYS,
    "collect_masked_vectors_stage": Stage.COLLECT_MASKED_VECTORS,
    "unmask_stage": Stage.UNMASK,
}


class Client:
    """One client: its state, its update, and the seconds it worked in each stage."""

    def __init__(self, node_id, update):
        self.node_id = node_id
        self.update = update
        self.context = Context(run_id=1, node_id=node_id, node_config={}, state=RecordDict(), run_config={})
        self.seconds = {}

    def train(self, message, _context):
        """What stands for training: the update is there already."""
        result = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([self.update]), 1, {})
        return Message(compat.fitres_to_recorddict(result, keep_input=False), reply_to=message)

    def answer(self, message):
        stage = message.content.config_records[RECORD_KEY_CONFIGS]["stage"]
        begin = time.process_time()
        reply = secaggplus_mod(message, self.context, self.train)
        self.seconds[stage] = time.process_time() - begin
        return reply


class Proxy:
    """What the strategy samples."""

    def __init__(self, node_id):
        self.node_id = node_id


class Strategy:
    """Takes every client, and keeps what comes out."""

    def __init__(self, clients, parameters):
        self.clients, self.parameters = clients, parameters
        self.aggregate = None

    def configure_fit(self, _round, _parameters, _manager):
        return [(Proxy(client.node_id), FitIns(self.parameters, {})) for client in self.clients]

    def aggregate_fit(self, _round, results, _failures):
        self.aggregate = parameters_to_ndarrays(results[0][1].parameters)[0]
        return None, {}


class InProcess(Grid):
    """Calls the clients in turn. `seconds` is what they took, to be taken off the server's time."""

    def __init__(self, clients, silent):
        self.clients = {client.node_id: client for client in clients}
        self.silent = silent
        self.seconds = 0.0

    def send_and_receive(self, messages, *, timeout=None):
        begin = time.process_time()
        replies = [self.deliver(message) for message in messages]
        self.seconds += time.process_time() - begin
        return replies

    def deliver(self, message):
        node_id = message.metadata.dst_node_id
        stage = message.content.config_records[RECORD_KEY_CONFIGS]["stage"]
        if stage == Stage.COLLECT_MASKED_VECTORS and node_id in self.silent:
            return Message(Error(0, "dropped out"), reply_to=message)
        # Clients take entries out of what they receive; over a network each has bytes of its own.
        content = RecordDict(dict(message.content))
        content[RECORD_KEY_CONFIGS] = ConfigRecord(copy.copy(dict(message.content.config_records[RECORD_KEY_CONFIGS])))
        message.content = content
        return self.clients[node_id].answer(message)

    run = property(lambda self: None)

    def set_run(self, run):
        raise NotImplementedError

    def create_message(self, *_args, **_kwargs):
        raise NotImplementedError

    def get_node_ids(self):
        return list(self.clients)

    def push_messages(self, messages):
        raise NotImplementedError

    def pull_messages(self, message_ids):
        raise NotImplementedError


def play(clients, dropped, elements, threshold, shares):
    """One round. `shares` is None for SecAgg, the size of a neighbourhood for SecAgg+. Seconds by stage, of server and client."""
    rng = np.random.default_rng(1)
    ids = [int(i) for i in rng.permutation(np.arange(1, clients + 1))]
    people = [Client(node_id, rng.uniform(-1, 1, elements)) for node_id in ids]
    silent = set(ids[:dropped])
    parameters = ndarrays_to_parameters([np.zeros(elements)])
    strategy = Strategy(people, parameters)
    grid = InProcess(people, silent)
    state = RecordDict()
    state[MAIN_CONFIGS_RECORD] = ConfigRecord({WorkflowKey.CURRENT_ROUND: 1})
    state[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(parameters, keep_input=True)
    context = LegacyContext(Context(1, 0, {}, state, {}), strategy=strategy)
    ranges = {"max_weight": 1.0, "clipping_range": 1.0, "quantization_range": 1 << 22, "modulus_range": 1 << 32}
    if shares is None:
        workflow = SecAggWorkflow(threshold, **ranges)
    else:
        workflow = SecAggPlusWorkflow(shares, threshold, **ranges)

    server = {}
    for name, stage in STAGES.items():
        setattr(workflow, name, timed(getattr(workflow, name), grid, server, stage))
    workflow(grid, context)
    if strategy.aggregate is None:
        raise RuntimeError("Flower's round did not finish")
    mean = np.mean([client.update for client in people if client.node_id not in silent], axis=0)
    worst = float(np.abs(strategy.aggregate - mean).max())
    # Each update is rounded to a step of 2 / 2^22.
    if worst > 2.0 / (1 << 22):
        raise RuntimeError(f"Flower's aggregate is off by {worst}")
    survivors = [client for client in people if client.node_id not in silent]
    client = {stage: statistics.mean(c.seconds[stage] for c in survivors) for stage in STAGES.values()}
    return {"server": server, "client": client}


def timed(step, grid, server, stage):
    """A stage of the workflow, without the time of its clients."""

    def run(*args):
        before = grid.seconds
        begin = time.process_time()
        result = step(*args)
        server[stage] = time.process_time() - begin - (grid.seconds - before)
        return result

    return run


def seed_bits(pairs=2_000):
    """In how many bits the seeds of pairwise masks vary: those that `pseudo_rand_gen` folds a shared key into."""
    (mine, _), ever_one, ever_zero = generate_key_pairs(), 0, 0
    for _ in range(pairs):
        _, theirs = generate_key_pairs()
        seed, folded = generate_shared_key(mine, theirs), 0
        for at in range(0, len(seed), 4):
            folded ^= int.from_bytes(seed[at : at + 4], "little")
        ever_one |= folded
        ever_zero |= ~folded & 0xFFFFFFFF
    return bin(ever_one & ever_zero).count("1")
