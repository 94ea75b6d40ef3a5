namespace MLflow.Server.Storage.Sqlite;

/// <summary>The values of one group, for a percentile between the two nearest of them (linear interpolation, as numpy's default).</summary>
internal sealed class PercentileValues
{
    private readonly List<double> _values = [];
    private readonly double _percentile;

    /// <param name="percentile">0 to 100.</param>
    public PercentileValues(double percentile) => _percentile = percentile;

    public PercentileValues Add(double value)
    {
        _values.Add(value);
        return this;
    }

    public double Result()
    {
        _values.Sort();
        var place = _percentile / 100 * (_values.Count - 1);
        var below = (int)place;
        return below + 1 < _values.Count ? _values[below] + ((place - below) * (_values[below + 1] - _values[below])) : _values[below];
    }
}
