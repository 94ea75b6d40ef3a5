using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

public sealed class BudgetBookTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Spent_OfABudgetOfEachUser_IsThatOfTheOneWhoSpentMost()
    {
        await using var gateway = await SomeGateway.StartAsync();
        var book = gateway.Services.GetRequiredService<BudgetBook>();
        var ofEach = new GatewayBudget { Amount = 1, DurationUnit = "DAYS", DurationValue = 1, Scope = "USER", Rejects = true };
        Assert.Equal((0m, null), book.Spent(ofEach, Start));

        foreach (var (user, hour, nanoUsd) in ((string, int, long)[])[("ada", 0, 2_000_000_000), ("bob", 0, 1_500_000_000), ("bob", 1, 1_000_000_000), ("", 0, 1)])
        {
            await gateway.Services.GetRequiredService<IGatewayStore>().AddUsageAsync(
                new GatewayUsage(Start.AddHours(hour).ToUnixTimeMilliseconds(), "e-1", user, 1, 0, 0, 0, nanoUsd), Xunit.TestContext.Current.CancellationToken);
        }

        Assert.Equal((2.5m, "bob"), book.Spent(ofEach, Start));
        Assert.Equal((2m, null), book.Spent(ofEach with { Target = "ada" }, Start));
        Assert.Equal((4.500000001m, null), book.Spent(ofEach with { Scope = "GLOBAL" }, Start));
    }
}
