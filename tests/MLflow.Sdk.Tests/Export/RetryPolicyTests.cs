using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class RetryPolicyTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Remaining_NothingFailed_IsZero() => Assert.Equal(TimeSpan.Zero, Policy().Remaining);

    [Fact]
    public void Failed_AgainAndAgain_DoublesUpToTheLimit()
    {
        var policy = Policy(jitter: 0);
        var delays = Enumerable.Range(0, 8).Select(_ =>
        {
            policy.Failed(null);
            return policy.Remaining.TotalSeconds;
        });
        Assert.Equal([0.5, 1, 2, 4, 8, 15, 15, 15], delays);
    }

    [Fact]
    public void Failed_Jitter_ShortensByAFifthAtMost()
    {
        var policy = Policy(jitter: 1);
        policy.Failed(null);
        Assert.Equal(RetryPolicy.FirstDelay * 0.8, policy.Remaining);
    }

    [Fact]
    public void Remaining_TimePasses_RunsOut()
    {
        var policy = Policy(jitter: 0);
        policy.Failed(null);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal(TimeSpan.FromMilliseconds(200), policy.Remaining);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal(TimeSpan.Zero, policy.Remaining);
    }

    [Fact]
    public void Hurry_OwnDelay_IsDueButTheServersIsNot()
    {
        var policy = Policy();
        policy.Failed(null);
        policy.Hurry();
        Assert.Equal(TimeSpan.Zero, policy.Remaining);

        policy.Failed(TimeSpan.FromSeconds(60));
        policy.Hurry();
        Assert.Equal(TimeSpan.FromSeconds(60), policy.Remaining);
    }

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(86_400, 300)]
    public void Failed_UnreasonableRetryAfter_IsLimited(int told, int expected)
    {
        var policy = Policy();
        policy.Failed(TimeSpan.FromSeconds(told));
        Assert.Equal(TimeSpan.FromSeconds(expected), policy.Remaining);
    }

    [Fact]
    public void Succeeded_AfterFailures_StartsOver()
    {
        var policy = Policy(jitter: 0);
        policy.Failed(null);
        policy.Failed(null);
        policy.Succeeded();
        policy.Failed(null);
        Assert.Equal(RetryPolicy.FirstDelay, policy.Remaining);
    }

    private RetryPolicy Policy(double jitter = 0.5) => new(_time, () => jitter);
}
