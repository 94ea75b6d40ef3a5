namespace MLflow.Server.Otlp;

/// <summary>Counts what of a request is not taken, with the first few different reasons.</summary>
internal sealed class OtlpRejections
{
    private readonly List<string> _reasons = [];

    public int Count { get; private set; }

    /// <summary>The reasons in one text; empty when everything was taken.</summary>
    public string Message => string.Join(' ', _reasons);

    public void Add(string reason, int count = 1)
    {
        Count += count;
        if (_reasons.Count < OtlpLimits.MaxReasons && !_reasons.Contains(reason))
        {
            _reasons.Add(reason);
        }
    }
}
