using System.Collections.Concurrent;
using MLflow.Server.Storage;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Gateway;

/// <summary>What calls have come to, against budgets. It is kept in the database, for all servers that use it.</summary>
internal sealed partial class BudgetBook
{
    /// <summary>For how long what other servers spend may not be seen yet.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private const decimal NanoUsd = 1_000_000_000;
    private const int MaxKept = 10_000;

    private readonly IGatewayStore _store;
    private readonly GatewayAdministration _administration;
    private readonly CallRates _rates;
    private readonly ServerMeter _meter;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<(string BudgetId, string? User, long StartMs), (long Spend, long ReadAt)> _kept = new();

    // Which have been told to be used up, in which window and as they stood.
    private readonly ConcurrentDictionary<(string BudgetId, string? User, long StartMs, long UpdatedMs), bool> _told = new();

    public BudgetBook(IGatewayStore store, GatewayAdministration administration, CallRates rates, ServerMeter meter, TimeProvider timeProvider, ILogger<BudgetBook> logger)
    {
        _store = store;
        _administration = administration;
        _rates = rates;
        _meter = meter;
        _timeProvider = timeProvider;
        _logger = logger;
    }

    /// <exception cref="GatewayRefusal">429: a budget is used up.</exception>
    public void Check(GatewayCatalog catalog, GatewayEndpoint endpoint, string user)
    {
        foreach (var budget in catalog.Budgets)
        {
            if (!budget.Rejects || !budget.Covers(endpoint.Id, user))
            {
                continue;
            }

            var now = _timeProvider.GetUtcNow();
            var (start, end) = budget.Window(now);
            if (Spend(budget, user, start) >= budget.Amount * NanoUsd)
            {
                throw new GatewayRefusal(StatusCodes.Status429TooManyRequests, "insufficient_quota", "budget_exceeded", budget.Exceeded(end), end - now);
            }
        }
    }

    /// <summary>What has been spent of a budget, in US dollars; of one that each user has, by the user who has spent most, and who that is.</summary>
    public (decimal Usd, string? Most) Spent(GatewayBudget budget, DateTimeOffset start)
    {
        var since = start.ToUnixTimeMilliseconds();
        var (spent, most) = budget switch
        {
            { Scope: "USER", Target: null or "" } => MostSpent(_store.ListUsage(since)),
            { Scope: "USER" } => (_store.GetSpend(since, null, budget.Target), null),
            _ => (_store.GetSpend(since, budget.Scope == "ENDPOINT" ? budget.Target : null, null), null),
        };
        return (spent / NanoUsd, most);
    }

    /// <summary>Writes down what calls came to, and tells of budgets that are used up by it.</summary>
    public async Task AddAsync(IReadOnlyCollection<GatewayUsage> usages)
    {
        var catalog = _administration.Current();
        await Task.WhenAll(usages.Select(usage => AddAsync(catalog, usage))).ConfigureAwait(false);
        _kept.Clear();
        try
        {
            foreach (var (budget, user) in usages.SelectMany(usage => catalog.Budgets.Where(budget => budget.Covers(usage.EndpointId, usage.User)).Select(budget => (budget, usage.User))).Distinct())
            {
                Tell(budget, user);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What was spent is written down: the next calls tell of it.
            LogUntold(_logger, e);
        }
    }

    private static (long Spend, string? User) MostSpent(IEnumerable<GatewayUsage> usages) =>
        usages.GroupBy(usage => usage.User).Select(ofUser => (Spend: ofUser.Sum(usage => usage.NanoUsd), User: (string?)ofUser.Key)).Where(user => user.Spend > 0).DefaultIfEmpty().MaxBy(user => user.Spend);

    private async Task AddAsync(GatewayCatalog catalog, GatewayUsage usage)
    {
        var endpoint = catalog.Endpoints.FirstOrDefault(endpoint => endpoint.Id == usage.EndpointId);
        if (endpoint is not null)
        {
            _rates.Written(endpoint, usage);
        }

        try
        {
            await _store.AddUsageAsync(usage, CancellationToken.None).ConfigureAwait(false);
        }
        catch when (endpoint is not null)
        {
            _rates.Written(endpoint, usage with { Calls = -usage.Calls });
            throw;
        }
    }

    private void Tell(GatewayBudget budget, string user)
    {
        var (start, end) = budget.Window(_timeProvider.GetUtcNow());
        var key = (budget.Id, budget.Scope == "USER" ? user : null, start.ToUnixTimeMilliseconds(), budget.UpdatedMs);
        if (_told.ContainsKey(key) || Spend(budget, user, start) < budget.Amount * NanoUsd)
        {
            return;
        }

        if (_told.Count >= MaxKept)
        {
            _told.Clear();
        }

        if (_told.TryAdd(key, true))
        {
            _meter.BudgetUsedUp(budget.Rejects);
            LogUsedUp(_logger, budget.Id, budget.Amount, budget.Scope, (budget.Scope == "USER" ? user : budget.Target) ?? "all", end, budget.Rejects ? "are refused" : "go on");
        }
    }

    private long Spend(GatewayBudget budget, string user, DateTimeOffset start)
    {
        var whose = budget.Scope == "USER" ? user : null;
        var key = (budget.Id, whose, start.ToUnixTimeMilliseconds());
        var now = _timeProvider.GetTimestamp();
        if (_kept.TryGetValue(key, out var kept) && _timeProvider.GetElapsedTime(kept.ReadAt, now) < Freshness)
        {
            return kept.Spend;
        }

        if (_kept.Count >= MaxKept)
        {
            _kept.Clear();
        }

        var spend = _store.GetSpend(start.ToUnixTimeMilliseconds(), budget.Scope == "ENDPOINT" ? budget.Target : null, whose);
        _kept[key] = (spend, now);
        return spend;
    }

    [LoggerMessage(LogLevel.Warning, "Budget {Budget} of {Amount} US dollars ({Scope}: {Whose}) is used up until {End:u}. Calls {Action}.")]
    private static partial void LogUsedUp(ILogger logger, string budget, decimal amount, string scope, string whose, DateTimeOffset end, string action);

    [LoggerMessage(LogLevel.Warning, "Whether budgets of the gateway are used up could not be looked at.")]
    private static partial void LogUntold(ILogger logger, Exception exception);
}
