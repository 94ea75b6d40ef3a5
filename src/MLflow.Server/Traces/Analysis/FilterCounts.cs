namespace MLflow.Server.Traces.Analysis;

/// <summary>How many traces two filters find, each alone and both, and how far they go together.</summary>
internal sealed record FilterCounts(long Total, long First, long Second, long Joint)
{
    /// <summary>Added to each of the four cells, so that few traces say little (Jeffreys' prior).</summary>
    private const double Smoothing = 0.5;

    /// <summary>
    /// Normalised pointwise mutual information: -1 never together, 0 independent, 1 always together; NaN where a filter finds nothing.
    /// https://en.wikipedia.org/wiki/Pointwise_mutual_information#Normalized_pointwise_mutual_information_(npmi)
    /// </summary>
    public double Npmi => First == 0 || Second == 0 ? double.NaN : Joint == 0 ? -1 : Compute(0);

    public double NpmiSmoothed => First == 0 || Second == 0 ? double.NaN : Compute(Smoothing);

    private double Compute(double smoothing)
    {
        var joint = Joint + smoothing;
        var first = First + (2 * smoothing);
        var second = Second + (2 * smoothing);
        var total = Total + (4 * smoothing);
        return joint >= total ? 1 : Math.Clamp(Math.Log(joint * total / (first * second)) / Math.Log(total / joint), -1, 1);
    }
}
