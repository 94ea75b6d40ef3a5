using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Ui;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class HandoverTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void TryTake_Given_CanBeTakenOnce()
    {
        var handover = new Handover(_clock);
        var key = handover.Give("value");

        Assert.True(handover.TryTake<string>(key, out var value));
        Assert.Equal("value", value);
        Assert.False(handover.TryTake<string>(key, out _));
    }

    [Fact]
    public void TryTake_TooLate_IsGone()
    {
        var handover = new Handover(_clock);
        var key = handover.Give("value");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.False(handover.TryTake<string>(key, out _));
    }

    [Fact]
    public void Give_MoreThanFit_DropsTheOldest()
    {
        var handover = new Handover(_clock);
        var keys = Enumerable.Range(0, 100).Select(i => handover.Give(i.ToString(System.Globalization.CultureInfo.InvariantCulture))).ToList();

        Assert.False(handover.TryTake<string>(keys[0], out _));
        Assert.True(handover.TryTake<string>(keys[^1], out _));
        Assert.Equal(31, keys.Count(key => handover.TryTake<string>(key, out _)));
    }
}
