using MLflow.Fuzz;
using Xunit;

namespace MLflow.Server.Tests.Fuzzing;

/// <summary>A short run of what <c>eng/long/fuzz.sh</c> does for an hour, always with the same changes.</summary>
public sealed class ServerFuzzTests : IAsyncLifetime
{
    private const int Seed = 1;
    private const int Changes = 1500;

    private readonly ServerTargets _targets = new();

    public static TheoryData<int> Targets => [.. Enumerable.Range(0, 11)];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _targets.DisposeAsync();

    [Theory]
    [MemberData(nameof(Targets))]
    public void Reader_ChangedInputs_KeepsItsPromises(int index) => ShortFuzz.Run(_targets.All[index], Seed, Changes);

    [Fact]
    public void Targets_AreAll() => Assert.Equal(Targets.Count, _targets.All.Count);
}
