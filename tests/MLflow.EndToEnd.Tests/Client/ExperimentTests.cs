using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

public sealed class ExperimentTests : ClientTestBase
{
    [Fact]
    public async Task Create_NewName_IsFoundByIdAndName()
    {
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        var id = await Client.CreateExperimentAsync("天気", "mlflow-artifacts:/there", new Dictionary<string, string> { ["team"] = "red" }, Token);

        var byId = await Client.GetExperimentAsync(id, Token);
        var byName = await Client.GetExperimentByNameAsync("天気", Token);

        Assert.Equal((id, "天気", "mlflow-artifacts:/there", true, "red"), (byId.ExperimentId, byId.Name, byId.ArtifactLocation, byId.IsActive, byId.Tags["team"]));
        Assert.InRange(byId.CreationTime!.Value, before, DateTimeOffset.UtcNow.AddSeconds(1));
        Assert.Equal(id, byName!.ExperimentId);
    }

    [Fact]
    public async Task Get_Missing_IsAnErrorByIdAndNullByName()
    {
        Assert.Null(await Client.GetExperimentByNameAsync("nope", Token));
        var e = await Assert.ThrowsAsync<MlflowException>(() => Client.GetExperimentAsync("999", Token));
        Assert.Equal((MlflowErrorCode.ResourceDoesNotExist, "No Experiment with id=999 exists"), (e.ErrorCode, e.ServerMessage));
    }

    [Fact]
    public async Task Create_NameThatIsTaken_IsRefused()
    {
        var e = await Assert.ThrowsAsync<MlflowException>(() => Client.CreateExperimentAsync("Default", cancellationToken: Token));

        Assert.Equal(MlflowErrorCode.ResourceAlreadyExists, e.ErrorCode);
    }

    [Fact]
    public async Task SetExperiment_NewName_CreatesItAndTracesGoThere()
    {
        var created = await Client.SetExperimentAsync("new one", Token);
        Trace();
        await Client.FlushAsync(Token);

        Assert.Equal(created.ExperimentId, (await Client.SearchTracesAsync(cancellationToken: Token).SingleAsync(Token)).ExperimentId);
        Assert.Equal(created.ExperimentId, (await Client.SetExperimentAsync("new one", Token)).ExperimentId);
    }

    [Fact]
    public async Task DeleteAndRestore_AnExperiment_ChangeWhatIsFoundAndWritten()
    {
        var id = await Client.CreateExperimentAsync("mine", cancellationToken: Token);
        Trace();
        await Client.FlushAsync(Token);

        await Client.DeleteExperimentAsync(id, Token);

        Assert.False((await Client.GetExperimentAsync(id, Token)).IsActive);
        Assert.DoesNotContain("mine", await NamesAsync(new ExperimentSearchOptions()));
        Assert.Equal(["mine"], await NamesAsync(new ExperimentSearchOptions { IncludeActive = false, IncludeDeleted = true }));
        Assert.Contains("mine", await NamesAsync(new ExperimentSearchOptions { IncludeDeleted = true }));
        Assert.Single(await Client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, (await RefusedAsync(Client.DeleteExperimentAsync(id, Token))).ErrorCode);
        Assert.Equal("Cannot rename a non-active experiment.", (await RefusedAsync(Client.RenameExperimentAsync(id, "other", Token))).ServerMessage);
        Assert.Equal(
            $"The experiment {id} must be in the 'active' state. Current state is deleted.",
            (await RefusedAsync(Client.SetExperimentTagAsync(id, "k", "v", Token))).ServerMessage);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Client.SetExperimentAsync("mine", Token));

        await Client.RestoreExperimentAsync(id, Token);

        Assert.True((await Client.GetExperimentAsync(id, Token)).IsActive);
        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, (await RefusedAsync(Client.RestoreExperimentAsync(id, Token))).ErrorCode);
    }

    [Fact]
    public async Task RenameAndTags_OfAnExperiment_Follow()
    {
        var id = await Client.CreateExperimentAsync("old", cancellationToken: Token);

        await Client.RenameExperimentAsync(id, "new", Token);
        await Client.SetExperimentTagAsync(id, "k", "1", Token);
        await Client.SetExperimentTagAsync(id, "k", "2", Token);

        var experiment = (await Client.GetExperimentByNameAsync("new", Token))!;
        Assert.Equal((id, "2"), (experiment.ExperimentId, experiment.Tags["k"]));
        Assert.Null(await Client.GetExperimentByNameAsync("old", Token));
        Assert.Equal(MlflowErrorCode.ResourceAlreadyExists, (await RefusedAsync(Client.RenameExperimentAsync(id, "Default", Token))).ErrorCode);

        await Client.DeleteExperimentTagAsync(id, "k", Token);
        Assert.Empty((await Client.GetExperimentAsync(id, Token)).Tags);
        Assert.Equal($"No tag with name: k in experiment with id {id}", (await RefusedAsync(Client.DeleteExperimentTagAsync(id, "k", Token))).ServerMessage);
    }

    [Fact]
    public async Task Search_FilterOrderAndPages_GiveEachOnce()
    {
        for (var i = 0; i < 7; i++)
        {
            await Client.CreateExperimentAsync($"e{i}", tags: new Dictionary<string, string> { ["even"] = i % 2 == 0 ? "yes" : "no" }, cancellationToken: Token);
        }

        var options = new ExperimentSearchOptions { OrderBy = { "name DESC" }, PageSize = 2 };

        Assert.Equal(["e6", "e4", "e2", "e0"], await NamesAsync(options, "tags.even = 'yes' AND name LIKE 'e%'"));
        Assert.Equal(["e6", "e5", "e4"], await NamesAsync(new ExperimentSearchOptions { OrderBy = { "name DESC" }, PageSize = 2, MaxResults = 3 }, "name LIKE 'e%'"));
        Assert.Throws<ArgumentException>(() => { Client.SearchExperimentsAsync(null, new ExperimentSearchOptions { IncludeActive = false }, Token); });
    }

    private static Task<MlflowException> RefusedAsync(Task change) => Assert.ThrowsAsync<MlflowException>(() => change);

    private async Task<List<string>> NamesAsync(ExperimentSearchOptions options, string? filter = null) =>
        await Client.SearchExperimentsAsync(filter, options, Token).Select(experiment => experiment.Name).ToListAsync(Token);
}
