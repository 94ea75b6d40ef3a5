using Xunit;

namespace MLflow.Tests.Export;

public sealed class TraceSizesTests
{
    [Fact]
    public void Percentiles_FewSizes_AreInterpolatedAndCut()
    {
        // Two spans of a real trace: MLflow's client says p25 613, p50 637, p75 660.
        var sizes = new TraceSizes();
        sizes.Add(684);
        sizes.Add(590);
        Assert.Equal([613, 637, 660], Percentiles(sizes, 25, 50, 75));
    }

    [Fact]
    public void Add_EndlessTrace_KeepsABoundedNumberAndExactTotals()
    {
        var sizes = new TraceSizes();
        for (var i = 1; i <= 100_000; i++)
        {
            sizes.Add(i);
        }

        Assert.Equal((100_000, 5_000_050_000L, 100_000), (sizes.Count, sizes.Total, sizes.Max));
        Assert.InRange(Percentiles(sizes, 50)[0], 49_000, 51_000);
    }

    [Fact]
    public void Percentiles_NoSize_AreZero() => Assert.Equal([0, 0], Percentiles(new TraceSizes(), 25, 75));

    private static long[] Percentiles(TraceSizes sizes, params int[] percents)
    {
        var results = new long[percents.Length];
        sizes.Percentiles(percents, results);
        return results;
    }
}
