package import Model

package enum ExplainKorean: ExplainLanguage {
    package static func text(_ topic: ExplainTopic) -> ExplainText {
        switch topic {
        case .process:
            ExplainText(
                "프로세스는 실행 중인 프로그램입니다. 코드, 메모리, 열린 파일, 그리고 커널의 기록이 한 묶음입니다.",
                "같은 프로그램도 여러 번 실행할 수 있고, 그때마다 서로의 메모리를 볼 수 없는 별개의 프로세스가 됩니다. 실제 일은 그 안의 스레드가 하며, 스레드들은 메모리와 파일을 함께 씁니다.",
                correction: "'ps -e'는 프로그램의 프로세스만 보여 주지 않습니다. [kthreadd]처럼 대괄호로 표시된 커널 스레드도 나옵니다.")
        case .pid:
            ExplainText(
                "PID는 프로세스가 살아 있는 동안 불리는 번호입니다.",
                "커널은 비어 있는 다음 번호를 주고, 한계에 이르면 아래에서부터 다시 시작합니다. 그래서 같은 PID가 나중에 다른 프로세스의 것이 될 수 있습니다. 번호와 시작 시각을 함께 보아야 하나로 정해집니다. nusu kill은 그래서 대상을 pidfd로 붙잡습니다.",
                correction: "PID는 영원히 한 프로세스의 것이 아닙니다. 다시 쓰입니다.")
        case .parent:
            ExplainText(
                "모든 프로세스는 다른 프로세스, 곧 부모가 시작합니다. 자기가 시작한 것은 자식입니다.",
                "자식은 열린 파일, 디렉터리, 환경 변수, 사용자, 한도를 물려받습니다. 자식이 끝나면 부모는 통지를 받고, 어떻게 끝났는지 물어야 합니다(wait). 부모가 먼저 끝나면 자식은 새 부모를 얻습니다.",
                correction: "fork는 부모에게 자식의 PID를 알려 줍니다. 반환값이 바로 그것입니다. 자식에게는 0을 돌려줍니다. 자식은 언제든 부모의 번호를 물을 수 있기 때문입니다.")
        case .fork:
            ExplainText(
                "fork는 자신을 복사한 두 번째 프로세스를 만들고, 두 곳에서 모두 반환합니다.",
                "이때 메모리는 복사되지 않습니다. 둘은 모든 페이지를 읽기 전용으로 공유하고, 먼저 쓰는 쪽이 그 페이지의 복사본만 얻습니다(copy on write). 그 뒤 보통 exec로 다른 프로그램이 들어섭니다.",
                correction: "fork는 메모리 전체를 복사하지 않습니다. 페이지 테이블을, 그리고 나중에 쓰인 페이지만 복사합니다.")
        case .idle:
            ExplainText(
                "PID 0은 아무도 코어를 원하지 않을 때 코어가 실행하는 유휴(idle) 태스크입니다.",
                "코어마다 하나씩 있고, 커널이 시작할 때 직접 만듭니다. 인터럽트가 올 때까지 코어를 재웁니다. 1(init)과 2(kthreadd)를 시작한 조상이기도 해서 그 둘의 부모는 0입니다. /proc에는 보이지 않습니다.",
                correction: "흔히 스와퍼나 스케줄러라고 부르지만, 스왑을 하지 않으며 스케줄러는 프로세스가 아니라 코어를 내놓는 프로세스 안에서 실행되는 코드입니다.")
        case .`init`:
            ExplainText(
                "PID 1은 첫 프로그램입니다. 다른 모든 것을 시작하고 고아를 거둡니다.",
                "자기에게 맡겨진 것을 거두지(wait) 않으면 좀비가 쌓입니다. 핸들러를 둔 시그널만 받습니다. 이것이 끝나면 커널은 패닉으로 멈추고, 컨테이너에서는 그 안의 1번이 끝나면 안의 모든 것이 종료됩니다.",
                correction: "'kill -9 1'로는 끝나지 않습니다. 자기 네임스페이스 안에서는 핸들러 없는 시그널이 듣지 않습니다.")
        case .end:
            ExplainText(
                "프로세스가 끝나면 커널은 '어떻게 끝났는지' 한 줄만 남기고 모두 거둬들입니다.",
                "프로그램이 해제했든 아니든 메모리, 파일, 소켓, 잠금, 타이머가 사라집니다. 이것은 운영체제가 해 주는 일입니다. 운영체제 없는 펌웨어에서는 아무도 치우지 않아 누수가 전원을 끌 때까지 남습니다. /dev/shm의 공유 메모리, 파일, System V 큐는 남습니다. 컨테이너의 PID 1이 끝나면 그 안의 모두가 끝납니다.",
                correction: "해제하지 않은 메모리도 프로세스가 끝나면 시스템에 돌아옵니다.")
        case .shell:
            ExplainText(
                "키가 시그널이 됩니다. 키 → 터미널 → 포그라운드 그룹 → 그 안의 각 프로세스 → 각자의 선택.",
                "셸은 파이프라인마다 프로세스 그룹을 만들고, 어느 그룹이 앞에 있는지 터미널에 알립니다. Ctrl+C를 누르면 터미널이 그 그룹 전체에 SIGINT를, Ctrl+Z는 SIGTSTP를, Ctrl+\\는 SIGQUIT를 보냅니다. 그다음은 각 프로세스에 달렸습니다. 기본 동작, 핸들러, 또는 무시입니다. fg와 bg는 SIGCONT를 보냅니다.",
                correction:
                    "Ctrl+Z는 SIGTSTP를 보내며, 이것은 잡거나 무시할 수 있습니다. 막을 수 없는 SIGSTOP을 보내는 키는 없습니다. 보내는 것도 셸이 아니라 터미널입니다.")
        case .signal:
            ExplainText(
                "시그널은 커널이 프로세스에 주는 번호이며, 명령과 명령 사이에 받습니다.",
                "번호마다 프로세스는 핸들러를 두거나, 무시하거나, 기본 동작(종료, 코어 파일과 함께 종료, 정지, 계속, 없음)을 따릅니다. 스레드가 막아 두면 기다립니다. KILL과 STOP은 거부할 수 없습니다. 받기 전에 두 번 보내도 한 번만 옵니다. 실시간 시그널은 예외입니다.",
                correction: "kill은 죽이는 명령이 아니라 시그널을 보내는 명령입니다. TERM은 부탁이고 KILL은 아닙니다.")
        case .zombie:
            ExplainText(
                "좀비는 이미 끝났지만 부모가 어떻게 끝났는지 아직 묻지 않은 프로세스입니다.",
                "번호와 종료 상태만 남아 있고 메모리도 파일도 없습니다. 부모가 wait를 부르거나, 부모가 끝나고 다음 부모가 wait를 부르면 사라집니다. 몇 개는 정상이지만, 계속 늘면 부모의 잘못입니다.",
                correction: "좀비는 KILL로도 죽일 수 없습니다. 이미 끝났기 때문입니다. 고쳐야 할 것은 부모입니다.")
        case .orphan:
            ExplainText(
                "고아는 부모가 먼저 끝난 프로세스입니다. 계속 실행되며 새 부모를 얻습니다.",
                "고아를 맡겠다고 한 가장 가까운 조상(서브리퍼: systemd --user, 컨테이너의 shim)이, 없으면 네임스페이스의 PID 1이 부모가 됩니다. 데몬은 이것을 일부러 씁니다.",
                correction: "새 부모가 언제나 PID 1인 것은 아닙니다. 터미널을 닫을 때 프로그램이 끝나는 것은 고아가 되어서가 아니라 SIGHUP 때문입니다.")
        case .addressSpace:
            ExplainText(
                "프로세스마다 자기만의 주소가 있습니다. 같은 숫자라도 서로 다른 메모리입니다.",
                "코드, 데이터, bss, 힙, 라이브러리, 스택이 넓은 틈을 두고 놓입니다. 프로세서는 커널이 관리하는 표로 가상 주소를 페이지 단위로 물리 주소로 바꿉니다. 예약만 한 것은 손대기 전까지 비용이 없고, 손대면 페이지 폴트가 페이지를 가져옵니다.",
                correction: "VSZ는 쓰는 양이 아니라 예약한 양입니다. RSS는 지금 메모리에 있는 양이고, 공유 페이지는 모든 프로세스에 각각 셉니다.")
        case .stack:
            ExplainText(
                "스택에는 진행 중인 호출이 있습니다. 인자, 돌아갈 주소, 지역 변수입니다.",
                "대부분의 프로세서에서 아래로 자라며, 레지스터 하나만 옮기면 줄어들어 빠릅니다. 주 스레드의 스택은 한도까지 저절로 자라고, 다른 스레드의 스택은 크기가 정해져 있으며 그 끝에 아무도 손댈 수 없는 페이지가 있어 너무 깊은 재귀는 SIGSEGV로 끝납니다.",
                correction: "스택 오버플로와 스택 버퍼 오버플로는 다릅니다. 하나는 스택이 모자란 것이고, 하나는 변수 너머에 쓴 것입니다.")
        case .heap:
            ExplainText(
                "힙은 프로그램이 실행 중에 요청해서 해제할 때까지 갖는 메모리입니다.",
                "malloc은 커널에서 큰 덩어리를 받아(brk, mmap) 스스로 나눕니다. 해제된 것은 대개 다음을 위해 malloc이 갖고 있습니다. 그래서 잃은 것이 없어도 프로세스는 그대로 커 보입니다.",
                correction: "malloc의 힙은 정렬의 힙 자료 구조와 관계없습니다. 한 구역도 아닙니다. [heap]은 brk로 만든 부분일 뿐입니다.")
        case .data:
            ExplainText(
                "data에는 처음부터 값이 있는 전역 변수와 정적 변수가 있습니다.",
                "값은 프로그램 파일에 들어 있고, 각 프로세스는 자기가 쓴 페이지만 따로 복사해 갖습니다. 절대 바뀌지 않는 것은 모든 프로세스가 공유하는 rodata에 있습니다.",
                correction: "상수 문자열은 data가 아니라 rodata에 있습니다. 거기에 쓰면 SIGSEGV입니다.")
        case .bss:
            ExplainText(
                "bss에는 0으로 시작하는 전역 변수와 정적 변수가 있고, 파일에서는 자리를 차지하지 않습니다.",
                "파일에는 크기만 적혀 있습니다. 처음 손댈 때 커널이 0으로 채운 페이지를 줍니다. 시작 부분은 보통 data의 마지막 페이지에 함께 있습니다. 이름은 옛 어셈블러의 block started by symbol에서 왔습니다.",
                correction: "0으로 된 큰 배열은 프로그램 파일을 키우지 않고, 쓰기 전에는 메모리도 들지 않습니다.")
        case .leak:
            ExplainText(
                "누수는 마지막 포인터를 잃어 다시는 해제할 수 없는 메모리입니다.",
                "원인: 포인터를 덮어씀, 오류 경로에서 해제를 잊음, 예외가 해제를 건너뜀, 서로를 붙들고 있는 객체의 고리(retain cycle). 포인터가 남아 있지만 다시 쓰지 않는 메모리도 똑같이 늘어납니다. 누가 붙들고 있는지는 nusu heap이 알려 줍니다.",
                correction: "늘어난다고 다 누수는 아닙니다. 캐시와 malloc이 갖고 있는 메모리도 밖에서는 똑같아 보입니다. 그리고 프로세스가 끝나면 커널이 모두 거둡니다.")
        case .raii:
            ExplainText(
                "RAII는 자원을 객체의 수명에 묶습니다. 생성자가 얻은 것을 소멸자가 돌려줍니다.",
                "unique_ptr는 범위를 벗어날 때 예외를 포함한 모든 경로에서 자기 것을 해제합니다. shared_ptr는 Swift의 참조처럼 소유자의 수를 세어 0이 되면 해제합니다. 서로를 붙드는 두 객체는 0이 되지 않으므로 한쪽은 weak여야 합니다.",
                correction: "스마트 포인터를 써도 누수는 생깁니다. 공유 포인터의 고리는 샙니다. 참조 횟수 세기는 그것을 찾아내는 가비지 수집이 아닙니다.")
        case .contextSwitch:
            ExplainText(
                "문맥 교환은 한 스레드의 레지스터를 치우고 다른 스레드의 것을 놓는 일입니다.",
                "자발적: 무언가를 기다립니다. 비자발적: 시간이 다 되었거나 더 급한 것이 깨어났습니다. 교환 자체는 1마이크로초쯤이고, 그 뒤 캐시에 남의 데이터가 있는 것이 더 비쌉니다.",
                correction: "시스템 호출은 문맥 교환이 아닙니다. 같은 스레드가 커널에서 계속합니다. 한 프로세스의 스레드끼리는 주소 공간도 그대로입니다.")
        case .scheduler:
            ExplainText(
                "스케줄러는 준비된 스레드 중 누가 다음에 코어를, 얼마나 오래 쓸지 정합니다.",
                "Linux 6.6부터 일반 스레드는 EEVDF로 나눕니다. 각자 가중치만큼 공정한 몫이 있고, 몫에 못 미친 것 중 마감이 가장 이른 것이 먼저입니다. 그전에는 CFS였습니다. 실시간 스레드(FIFO, RR, DEADLINE)는 언제나 일반 스레드보다 먼저입니다.",
                correction: "Linux는 일반 스레드를 고정된 시간 조각의 라운드 로빈으로 돌리지 않습니다. 2.6.23부터 그렇습니다.")
        case .roundRobin:
            ExplainText(
                "라운드 로빈: 준비된 각각이 차례로 같은 시간 조각을 받고 줄의 끝으로 갑니다.",
                "Linux에서는 같은 우선순위의 실시간 스레드를 위한 SCHED_RR 정책입니다. root나 CAP_SYS_NICE, 또는 허용하는 한도(RLIMIT_RTPRIO)가 필요합니다.",
                correction: "같은 우선순위 안에서만 공정합니다. 우선순위가 더 높은 스레드는 원하는 만큼 실행됩니다.")
        case .priority:
            ExplainText(
                "nice(-20~19)는 일반 스레드의 가중치입니다. 한 단계는 코어의 10% 남짓입니다.",
                "누가 먼저인지가 아니라, 모자랄 때 누가 얼마나 받는지를 정합니다. 실시간 우선순위(1~99)는 누가 먼저인지를 정합니다. nice를 낮추려면 root, CAP_SYS_NICE 또는 한도가 필요합니다.",
                correction: "nice 값이 높을수록 우선순위는 낮습니다. autogroup이 켜져 있으면 nice는 같은 세션 안에서만 통합니다.")
        case .pcb:
            ExplainText(
                "프로세스 제어 블록은 커널이 프로세스에 대해 아는 모든 것입니다. Linux에서는 task_struct입니다.",
                "상태, PID, 부모, 실행되지 않을 때의 레지스터, 스케줄링, 메모리 지도, 열린 파일, 시그널, 사용자, 한도, 네임스페이스가 있습니다. 스레드마다 하나씩 있고, 한 프로세스의 것들은 같은 메모리와 파일을 가리킵니다. /proc/PID가 대부분을 보여 줍니다.",
                correction: "한 덩어리가 아닙니다. task_struct는 mm_struct, files_struct, signal_struct, cred 등을 가리키며 일부는 공유됩니다.")
        case .ipc:
            ExplainText(
                "프로세스는 서로를 볼 수 없어서 커널을 거치거나 공유 메모리로 이야기합니다.",
                "파이프, 소켓, 큐: 커널이 메시지를 복사하고, 올 때까지 읽는 쪽을 재웁니다. 공유 메모리: 둘이 같은 페이지를 가지므로 복사가 없지만 누가 언제 쓸지 약속해야 합니다(futex, 세마포어). 브라우저의 탭은 프로세스입니다. 명령은 소켓으로, 그림은 공유 메모리로 오갑니다.",
                correction: "공유 메모리는 커널을 거치느라 느려지지 않습니다. 커널은 처음에 마련해 줄 뿐입니다.")
        }
    }

    package static func label(_ fact: ExplainFact) -> String {
        switch fact {
        case .processes: "프로세스"
        case .threads: "스레드"
        case .kernelThreads: "그중 커널 스레드"
        case .zombies: "좀비"
        case .adopted: "PID 1의 자식"
        case .runningNow: "지금 실행 중이거나 준비됨"
        case .pidLimit: "번호의 한계(미만)"
        case .lastPID: "마지막으로 준 번호"
        case .forksSinceBoot: "부팅 후 fork(스레드 포함)"
        case .cores: "코어"
        case .idleShare: "부팅 후 유휴 비율"
        case .firstProcess: "PID 1"
        case .kernelRelease: "커널"
        case .switchesPerSecond: "문맥 교환(모든 코어)"
        case .roundRobinSlice: "SCHED_RR의 시간 조각"
        case .autogroup: "autogroup(1: 켜짐)"
        case .unixSockets: "유닉스 소켓"
        case .sharedSegments: "System V 공유 메모리"
        case .ownPID: "%1 PID"
        case .ownParent: "%1 부모"
        case .ownSession: "%1 세션"
        case .ownGroup: "%1 프로세스 그룹"
        case .ownForegroundGroup: "터미널의 포그라운드 그룹"
        case .ownNice: "%1 nice"
        case .ownReserved: "%1 예약한 메모리"
        case .ownResident: "그중 메모리에 있는 양"
        case .ownAnonymous: "%1 파일 없는 메모리"
        case .ownMappings: "구역"
        case .pageSize: "페이지 크기"
        case .ownStack: "%1 스택"
        case .ownStackLimit: "자랄 수 있는 한도"
        case .ownHeap: "%1 [heap]"
        case .ownData: "%1 data"
        case .ownBss: "%1 bss"
        case .ownVoluntarySwitches: "%1 자발적 교환"
        case .ownInvoluntarySwitches: "%1 비자발적 교환"
        case .ownStatusLines: "status의 줄 수"
        case .ownCaught: "%1 핸들러 수"
        case .ownThreads: "%1 스레드"
        case .ownChildren: "%1 자식"
        case .ownZombies: "%1 좀비 자식"
        case .ownState: "%1 상태"
        case .ownInnerPID: "자기 네임스페이스의 PID"
        case .ownIgnored: "무시하는 시그널 수"
        case .ownBlocked: "막아 둔 시그널 수"
        case .ownPending: "기다리는 시그널 수"
        case .ownSwitchesPerSecond: "%1 지금 교환"
        case .ownPolicy: "%1 정책"
        case .ownSlice: "%1 시간 조각"
        case .ownProcessor: "마지막으로 쓴 코어"
        case .ownPriority: "커널 안의 우선순위"
        case .ownAutogroupNice: "autogroup의 nice"
        case .ownSockets: "%1 소켓"
        case .ownPipes: "%1 파이프"
        case .ownSharedRegions: "%1 공유 구역"
        }
    }

    package static func line(_ event: DemonstrationLine.Event) -> String {
        switch event {
        case .forked: "프로세스 %1이 fork함: 부모에게는 %2, 자식에게는 0을 돌려줌"
        case .sharedBefore: "직후 둘은 %2 페이지 중 %1 페이지를 공유"
        case .sharedAfter: "자식이 4분의 1에 씀: 이제 공유는 %1 페이지, 자식만의 복사본은 %2 페이지"
        case .childEnded: "자식 %1이 끝남. 부모인 nusu는 아직 wait하지 않음"
        case .zombieState: "/proc/%1/stat의 상태: %2, 메모리: %3"
        case .reaped: "nusu가 wait함: 종료 상태 %1. 항목이 사라짐"
        case .orphanBefore: "프로세스 %1의 부모는 %2"
        case .orphanAfter: "그 부모가 끝남. %1의 부모는 이제 %2, %3"
        case .residentAtStart: "자식이 메모리 %1로 시작"
        case .lostBlocks: "블록 %1개, 모두 %2를 잃음: 메모리 %3"
        case .freedByEnd: "끝남: 커널이 모두 거둬들임"
        case .pingPong: "두 프로세스가 파이프로 1바이트를 %1번 주고받음: 한 번에 %2"
        case .pingPongSwitches: "그중 nusu의 교환: 자발적 %1, 비자발적 %2"
        case .signalCaught: "핸들러가 있는 자식 %1에 TERM: 아직 실행 중"
        case .stoppedByKey: "Ctrl+Z가 보내는 TSTP: 상태 %1, fg가 보내는 CONT: %2"
        case .signalKilled: "KILL: 시그널 %1로 끝남. 핸들러에 묻지 않음"
        case .busyShare: "한 코어에서 바쁜 두 프로세스를 %1 동안: nice 0이 %2, nice 10이 %3을 씀"
        case .turnShare: "한 코어에서 nice가 같은 바쁜 두 프로세스를 %1 동안: 하나가 %2, 다른 하나가 %3을 씀"
        case .turnsEnded: "차례로 실행됨: 하나는 %1번, 다른 하나는 %2번 코어에서 밀려남"
        case .codeAt: "nusu의 함수는 %1에 있음 (text)"
        case .dataAt: "값으로 시작하는 변수는 %1에 있음 (data)"
        case .bssAt: "0으로 시작하는 변수는 %1에 있음 (bss)"
        case .heapAt: "malloc의 블록은 %1에 있음 (heap)"
        case .stackAt: "지역 변수는 %1에 있음 (stack)"
        case .impossible: "여기서는 보일 수 없음: %1"
        }
    }

    package static func word(_ word: ExplainWord) -> String {
        switch word {
        case .here: "여기서는"
        case .see: "더 보기"
        case .correction: "주의"
        case .demonstration: "시연"
        case .topics: "nusu가 설명하는 개념은 %1개이고, 저마다 이 기계의 지금 값을 함께 보여 줍니다."
        case .notKnown: "알 수 없음"
        case .notSeen: "못 본 것"
        case .ofNusu: "nusu의"
        case .ofTarget: "대상의"
        case .target: "대상"
        case .noValue: "이것은 프로세스가 아니라 기계의 값입니다"
        }
    }
}
