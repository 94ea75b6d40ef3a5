using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Pricing;
using MLflow.Server.Secrets;
using MLflow.Server.Storage.Sqlite;
using Xunit;

namespace MLflow.Server.Tests.Pricing;

public sealed class CurrentPricesTests : IAsyncDisposable
{
    private const string Ours = """{"version": "ours", "models": [{"provider": "openai", "model": "ours-1", "prices": [{"kind": "input", "usd": 2}]}], "deployments": {"prod": "ours-1"}}""";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly SqliteDatabase _database;

    public CurrentPricesTests() => _database = SqliteDatabase.Open(_folder.File("mlflow.db"), _clock);

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Set_Prices_GoBeforeTheStartedOnesUntilTheyAreTakenAway()
    {
        var prices = Server();
        await prices.SetAsync(Ours, Token);

        Assert.NotNull(prices.Table.Find("openai", "ours-1"));
        Assert.NotNull(prices.Table.Find("openai", "gpt-4o-mini"));
        Assert.StartsWith("ours, ", prices.Table.Version, StringComparison.Ordinal);
        Assert.Equal(Ours, prices.Text);

        // A server that starts later has them at once.
        Assert.NotNull(Server().Table.Find("openai", "ours-1"));

        await prices.SetAsync(" ", Token);
        Assert.Same(PriceTable.Shipped, prices.Table);
    }

    [Fact]
    public async Task Set_ByAnotherServer_IsHereAfterAMoment()
    {
        var (here, there) = (Server(), Server());
        await there.SetAsync(Ours, Token);
        _clock.Advance(Documents.Freshness * 2);

        // The first to ask has the old ones, and what is asked for is read meanwhile.
        while (here.Table.Find("openai", "ours-1") is null)
        {
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }
    }

    [Theory]
    [InlineData("[]", "The price table is not a JSON object.")]
    [InlineData("{", "The price table is not JSON:")]
    [InlineData("""{"version": "v", "models": [{"provider": "openai", "model": "m", "prices": [{"kind": "input", "usd": "2"}]}]}""", "The price table is wrong: 'input' of 'm' has no 'usd' that is a number from 0 to 1000000.")]
    [InlineData("""{"version": "v", "models": [{"provider": "openai", "model": "m", "prices": [{"kind": "flex_nput", "usd": 2}]}]}""", "The price table is wrong: 'flex_nput' of 'm' is no kind of price: use input, cached_input,")]
    public async Task Set_Mistake_IsToldAndNothingChanges(string json, string message)
    {
        var prices = Server();
        await prices.SetAsync(Ours, Token);

        var refused = await Assert.ThrowsAsync<MlflowException>(() => prices.SetAsync(json, Token));
        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, refused.ErrorCode);
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Equal(Ours, Server().Text);
    }

    [Fact]
    public async Task Set_TooLong_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<MlflowException>(() => Server().SetAsync(new string('x', 8001), Token));

        Assert.Equal("The prices have 8001 characters, and may have 8000: start the server with a file of them.", refused.Message);
    }

    [Fact]
    public async Task Pricer_PricesSetMeanwhile_CountForTheNextCall()
    {
        var prices = Server();
        var pricer = new CallPricer(() => prices.Table);
        var call = Ui.SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, null, ("mlflow.llm.model", "ours-1"), ("mlflow.chat.tokenUsage", new { input_tokens = 1_000_000, output_tokens = 0 }));
        Assert.Null(pricer.Price(call)["mlflow.llm.cost"]);

        await prices.SetAsync(Ours, Token);

        Assert.Equal(2m, CallCost.Parse(pricer.Price(call)["mlflow.llm.cost"])!.Value.Usd);
    }

    private CurrentPrices Server() => new(PriceTable.Shipped, new Documents(_database.Gateway(), _clock), _clock);
}
