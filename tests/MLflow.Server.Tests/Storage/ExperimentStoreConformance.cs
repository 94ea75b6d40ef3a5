using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every <see cref="IExperimentStore"/> must do.</summary>
public abstract class ExperimentStoreConformance : IAsyncLifetime
{
    private protected IExperimentStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IExperimentStore> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Default_IsThereFromTheStart()
    {
        var experiment = await Store.GetAsync(0, Cancellation);

        Assert.Equal(("Default", "mlflow-artifacts:/0", true), (experiment!.Name, experiment.ArtifactLocation, experiment.IsActive));
        Assert.True(experiment.CreationTimeMs > 0);
    }

    [Fact]
    public async Task Create_IsFoundByIdAndName()
    {
        var created = await Store.CreateAsync("東京", null, new Dictionary<string, string> { ["et"] = "ev" }, Cancellation);

        Assert.Equivalent(created, await Store.GetAsync(created.ExperimentId, Cancellation), strict: true);
        Assert.Equivalent(created, await Store.GetByNameAsync("東京", Cancellation), strict: true);
        Assert.Equal($"mlflow-artifacts:/{created.ExperimentId}", created.ArtifactLocation);
        Assert.Equal("ev", created.Tags["et"]);
        Assert.Equal("file:/x", (await Store.CreateAsync("placed", "file:/x", new Dictionary<string, string>(), Cancellation)).ArtifactLocation);
        Assert.Null(await Store.GetAsync(999, Cancellation));
        Assert.Null(await Store.GetByNameAsync("default", Cancellation));
    }

    [Fact]
    public async Task Create_NameThatIsTaken_IsRefused()
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.CreateAsync("Default", null, new Dictionary<string, string>(), Cancellation));

        Assert.Equal(ErrorCode.RESOURCE_ALREADY_EXISTS, exception.ErrorCode);
        Assert.StartsWith("Experiment(name=Default) already exists.", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "b c a Default")]
    [InlineData("name LIKE 'b%'", "b")]
    [InlineData("name ILIKE 'D%'", "Default")]
    [InlineData("attribute.name != 'a'", "b c Default")]
    [InlineData("tags.team = 'red'", "b a")]
    [InlineData("tags.team = 'red' AND name = 'a'", "a")]
    [InlineData("creation_time > 0", "b c a Default")]
    [InlineData("last_update_time <= 0", "")]
    public async Task Search_Filter_FindsWhatItSays(string filter, string expected)
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            await Store.CreateAsync(name, null, name == "c" ? new Dictionary<string, string>() : new() { ["team"] = "red" }, Cancellation);
        }

        var page = await Store.SearchAsync(new ExperimentQuery { Filter = filter }, Cancellation);

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), page.Experiments.Select(experiment => experiment.Name).Order());
    }

    [Theory]
    [InlineData("name ASC")]
    [InlineData("name DESC")]
    [InlineData("creation_time DESC")]
    [InlineData("experiment_id")]
    [InlineData]
    public async Task Search_PageByPage_NeitherRepeatsNorSkips(params string[] orderBy)
    {
        for (var i = 0; i < 10; i++)
        {
            await Store.CreateAsync($"e{i}", null, new Dictionary<string, string>(), Cancellation);
        }

        var query = new ExperimentQuery { OrderBy = orderBy };
        var whole = (await Store.SearchAsync(query, Cancellation)).Experiments.Select(experiment => experiment.ExperimentId).ToList();
        var paged = new List<long>();
        string? token = null;
        do
        {
            var page = await Store.SearchAsync(query with { PageSize = 3, PageToken = token }, Cancellation);
            paged.AddRange(page.Experiments.Select(experiment => experiment.ExperimentId));
            token = page.NextPageToken;
        }
        while (token is not null);

        Assert.Equal(11, whole.Count);
        Assert.Equal(whole, paged);
    }

    [Theory]
    [InlineData("foo = 'x'", "Invalid attribute key 'foo' specified.")]
    [InlineData("name > 'x'", "Invalid comparator '>' for 'name'")]
    [InlineData("creation_time = 'soon'", "Expected a numeric value for 'creation_time'.")]
    [InlineData("param.x = 'y'", "Invalid entity type 'param'.")]
    [InlineData("tags.x IS NULL", "Invalid comparator 'IS NULL'")]
    public async Task Search_WrongFilter_SaysWhatIsWrong(string filter, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new ExperimentQuery { Filter = filter }, Cancellation));

        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }
}
