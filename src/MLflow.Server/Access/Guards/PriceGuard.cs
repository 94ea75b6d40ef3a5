using MLflow.Server.Pricing;

namespace MLflow.Server.Access.Guards;

/// <summary>Lets administrators set prices; who may see pages may see what is in force.</summary>
internal sealed class PriceGuard
{
    private readonly CurrentPrices _prices;
    private readonly CurrentCaller _caller;
    private readonly AuditLog _audit;

    public PriceGuard(CurrentPrices prices, CurrentCaller caller, AuditLog audit)
    {
        _prices = prices;
        _caller = caller;
        _audit = audit;
    }

    /// <summary>What is in force.</summary>
    public PriceTable Table => _prices.Table;

    /// <summary>What was set, and why it does not count where that is so; null for others than administrators.</summary>
    public async Task<(string Text, string? Problem)?> OwnAsync() => (await _caller.GetAsync().ConfigureAwait(false)).IsAdministrator ? (_prices.Text, _prices.Problem) : null;

    /// <summary>As <see cref="CurrentPrices.SetAsync"/>.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: they are wrong. PERMISSION_DENIED: not an administrator.</exception>
    public async Task SetAsync(string json, CancellationToken cancellationToken)
    {
        if (!(await _caller.GetAsync().ConfigureAwait(false)).IsAdministrator)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Only administrators set prices.");
        }

        await _prices.SetAsync(json, cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(await _caller.ActorAsync().ConfigureAwait(false), AuditAction.ChangePrices, string.IsNullOrWhiteSpace(json) ? "taken away" : _prices.Table.Version, AuditResult.Done).ConfigureAwait(false);
    }
}
