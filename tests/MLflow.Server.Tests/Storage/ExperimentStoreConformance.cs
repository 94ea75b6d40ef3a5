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

    [Fact]
    public async Task Rename_Active_IsFoundByItsNewName()
    {
        var id = (await Store.CreateAsync("old", null, new Dictionary<string, string>(), Cancellation)).ExperimentId;

        await Store.RenameAsync(id, "new", Cancellation);
        await Store.RenameAsync(id, "new", Cancellation);

        Assert.Equal(id, (await Store.GetByNameAsync("new", Cancellation))!.ExperimentId);
        Assert.Null(await Store.GetByNameAsync("old", Cancellation));
        await AssertRefusedAsync(ErrorCode.RESOURCE_ALREADY_EXISTS, Store.RenameAsync(id, "Default", Cancellation));
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.RenameAsync(999, "x", Cancellation));
        await Store.SetActiveAsync(id, false, Cancellation);
        await AssertRefusedAsync(ErrorCode.INVALID_STATE, Store.RenameAsync(id, "x", Cancellation));
    }

    [Fact]
    public async Task SetActive_OffAndOn_DeletesAndRestores()
    {
        var created = await Store.CreateAsync("e", null, new Dictionary<string, string>(), Cancellation);

        await Store.SetActiveAsync(created.ExperimentId, false, Cancellation);
        var deleted = (await Store.GetAsync(created.ExperimentId, Cancellation))!;
        Assert.False(deleted.IsActive);
        Assert.True(deleted.LastUpdateTimeMs >= created.LastUpdateTimeMs);
        Assert.Equal("Default", Assert.Single((await Store.SearchAsync(new ExperimentQuery(), Cancellation)).Experiments).Name);
        Assert.Equal("e", Assert.Single((await Store.SearchAsync(new ExperimentQuery { IncludeActive = false, IncludeDeleted = true }, Cancellation)).Experiments).Name);
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.SetActiveAsync(created.ExperimentId, false, Cancellation));

        await Store.SetActiveAsync(created.ExperimentId, true, Cancellation);
        Assert.True((await Store.GetAsync(created.ExperimentId, Cancellation))!.IsActive);
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.SetActiveAsync(created.ExperimentId, true, Cancellation));
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.SetActiveAsync(999, true, Cancellation));
    }

    [Fact]
    public async Task Tags_OfAnActiveOne_AreSetAndDeleted()
    {
        var id = (await Store.CreateAsync("e", null, new Dictionary<string, string> { ["a"] = "1" }, Cancellation)).ExperimentId;

        await Store.SetTagAsync(id, "a", "2", Cancellation);
        await Store.SetTagAsync(id, "b", "3", Cancellation);
        Assert.Equal("2 3", string.Join(' ', (await Store.GetAsync(id, Cancellation))!.Tags.OrderBy(tag => tag.Key).Select(tag => tag.Value)));

        await Store.DeleteTagAsync(id, "a", Cancellation);
        Assert.Equal(["b"], (await Store.GetAsync(id, Cancellation))!.Tags.Keys);
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.DeleteTagAsync(id, "a", Cancellation));
        await AssertRefusedAsync(ErrorCode.RESOURCE_DOES_NOT_EXIST, Store.SetTagAsync(999, "a", "1", Cancellation));
        await Store.SetActiveAsync(id, false, Cancellation);
        await AssertRefusedAsync(ErrorCode.INVALID_PARAMETER_VALUE, Store.SetTagAsync(id, "a", "1", Cancellation));
        await AssertRefusedAsync(ErrorCode.INVALID_PARAMETER_VALUE, Store.DeleteTagAsync(id, "b", Cancellation));
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
    [InlineData("creation_time > 0.5", "b c a Default")]
    [InlineData("name = 'a' OR tags.team = 'red' AND NOT name = 'a'", "a b")]
    [InlineData("NOT tags.team = 'red'", "c Default")]
    [InlineData("tags.team ILIKE 'R_D' AND (name = 'b' OR name = 'c')", "b")]
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
    [InlineData("name = 'a' OR", "Invalid clause(s) in filter string: the filter ends too early (at position 14)")]
    [InlineData("name = a", "Parameter value is either not quoted or unidentified quote types used for string value a.")]
    public async Task Search_WrongFilter_SaysWhatIsWrong(string filter, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new ExperimentQuery { Filter = filter }, Cancellation));

        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name SIDEWAYS", "Invalid ordering key in order_by clause 'name SIDEWAYS'. (at position 6)")]
    [InlineData("name, creation_time", "Invalid order_by clause 'name, creation_time'. Could not be parsed. (at position 5)")]
    [InlineData("tags.x", "Invalid identifier type 'tags'")]
    [InlineData("foo", "Invalid attribute key 'foo' specified.")]
    public async Task Search_WrongOrder_SaysWhatIsWrong(string orderBy, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new ExperimentQuery { OrderBy = [orderBy] }, Cancellation));

        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*", "could not base64-decode '*'")]
    [InlineData("bm9uc2Vuc2U=", "decoded value=nonsense")]
    [InlineData("WzFd", "parsed value=[1]")]
    public async Task Search_WrongToken_IsRefused(string token, string message)
    {
        var exception = await Assert.ThrowsAsync<MlflowException>(() => Store.SearchAsync(new ExperimentQuery { PageToken = token }, Cancellation));

        Assert.StartsWith("Invalid page token, " + message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_RandomFilters_AgreeWithTheReference()
    {
        var seed = Random.Shared.Next();
        Xunit.TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] names = ["a", "A", "ab", "東京", "100%", "x_y"];
        var all = new List<Experiment> { (await Store.GetAsync(0, Cancellation))! };
        for (var i = 0; i < 30; i++)
        {
            var tags = random.Next(2) == 0 ? new Dictionary<string, string>() : new() { ["my tag"] = names[random.Next(names.Length)] };
            all.Add(await Store.CreateAsync(names[random.Next(names.Length)] + i % 3 + new string('-', i), null, tags, Cancellation));
        }

        for (var i = 0; i < 500; i++)
        {
            var (filter, matches) = Tree(random.Next(3));
            var found = (await Store.SearchAsync(new ExperimentQuery { Filter = filter, OrderBy = ["experiment_id"] }, Cancellation)).Experiments;

            var expected = all.Where(matches).Select(experiment => experiment.ExperimentId).Order();
            Assert.True(expected.SequenceEqual(found.Select(experiment => experiment.ExperimentId)), $"seed {seed}, filter {i}: {filter}");
        }

        (string Text, Func<Experiment, bool> Matches) Tree(int depth)
        {
            var (left, right) = depth == 0 ? (default, default) : (Tree(depth - 1), Tree(depth - 1));
            switch (depth == 0 ? 3 : random.Next(3))
            {
                case 0:
                    return ($"({left.Text} AND {right.Text})", experiment => left.Matches(experiment) && right.Matches(experiment));
                case 1:
                    return ($"({left.Text} OR {right.Text})", experiment => left.Matches(experiment) || right.Matches(experiment));
                case 2:
                    return ($"NOT {left.Text}", experiment => !left.Matches(experiment));
            }

            var op = random.GetItems(["=", "!=", "LIKE", "ILIKE"], 1)[0];
            var value = names[random.Next(names.Length)] + (random.Next(2) == 0 ? "%" : "");
            switch (random.Next(3))
            {
                case 0:
                    return ($"{random.GetItems(["", "attribute.", "attr."], 1)[0]}name {op} '{value}'", experiment => ReferenceTrace.Compare(experiment.Name, op, [value]));
                case 1:
                    return ($"tags.`my tag` {op} \"{value}\"", experiment => experiment.Tags.TryGetValue("my tag", out var tag) && ReferenceTrace.Compare(tag, op, [value]));
                default:
                    var time = all[random.Next(all.Count)].CreationTimeMs;
                    return random.Next(2) == 0
                        ? ($"creation_time >= {time}", experiment => experiment.CreationTimeMs >= time)
                        : ($"last_update_time != '{time}'", experiment => experiment.LastUpdateTimeMs != time);
            }
        }
    }

    private static async Task AssertRefusedAsync(ErrorCode code, Task change) => Assert.Equal(code, (await Assert.ThrowsAsync<MlflowException>(() => change)).ErrorCode);
}
