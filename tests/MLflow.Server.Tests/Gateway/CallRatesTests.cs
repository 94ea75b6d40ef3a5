using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

public sealed class CallRatesTests
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_WhileAnotherReadsTheDatabase_GoesByWhatWasKnown()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 12, 30, 0, TimeSpan.Zero));
        await using var gateway = await SomeGateway.StartAsync();
        var id = (await gateway.AddAsync(more: ""","rate_limits":[{"calls":5,"key":"endpoint","renewal_period":"hour"}]""")).GetProperty("endpoint_id").GetString()!;
        var endpoint = gateway.Services.GetRequiredService<GatewayAdministration>().Current().Find("chat")!;
        using var store = new SlowGatewayStore(gateway.Services.GetRequiredService<IGatewayStore>());
        var rates = new CallRates(store, time);
        var ofOthers = new GatewayUsage(new DateTimeOffset(2030, 1, 1, 12, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(), id, "", 1, 0, 0, 0, 0);
        await store.AddUsageAsync(ofOthers, Token);
        rates.Take(endpoint, "", "");
        await store.AddUsageAsync(ofOthers, Token);
        time.Advance(BudgetBook.Freshness);
        store.Hold();
        var reading = Task.Factory.StartNew(() => rates.Take(endpoint, "", ""), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await store.IsHeld;
            await Task.Factory.StartNew(() => rates.Take(endpoint, "", ""), Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(30), Token);
            Assert.Equal(3, rates.Used(endpoint, endpoint.RateLimits[0]));
        }
        finally
        {
            store.GoOn();
        }

        await reading;
        Assert.Equal(5, rates.Used(endpoint, endpoint.RateLimits[0]));
        Assert.Throws<GatewayRefusal>(() => rates.Take(endpoint, "", ""));
    }
}
