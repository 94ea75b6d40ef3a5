using MLflow.Fuzz;
using Xunit;

namespace MLflow.EndToEnd.Tests.Fuzzing;

/// <summary>A short run of what <c>eng/long/fuzz.sh</c> does for an hour, always with the same changes.</summary>
public sealed class CliFuzzTests
{
    private const int Seed = 1;
    private const int Changes = 1500;

    public static TheoryData<int> Targets => [.. Enumerable.Range(0, CliTargets.All.Count)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Reader_ChangedInputs_KeepsItsPromises(int index) => ShortFuzz.Run(CliTargets.All[index], Seed, Changes);
}
